//! Provost as people and scripts meet it: the real binary, each test in a home of its own.

#[macro_use]
mod fixture;

mod agent;
mod approval;
mod audit;
mod backup;
mod bundle;
mod checkpoint;
mod concurrency;
mod crash;
mod database;
mod demo;
mod doctor;
mod fault;
mod fork;
mod hook;
mod hook_client;
mod hook_server;
mod hook_webhook;
mod import;
mod init_claude;
mod judged;
mod permission;
mod policy;
mod policy_store;
mod question;
mod real_cli;
mod resume;
mod run;
mod session;
mod session_hook;
mod settings;
mod shell;
mod signal;
mod tell;
mod transfer;
mod unruly_agent;
mod worker;
