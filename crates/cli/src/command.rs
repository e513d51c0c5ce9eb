//! The commands, one file each.

pub(crate) mod agent;
pub(crate) mod agent_scripted;
pub(crate) mod completion;
pub(crate) mod config_show;
pub(crate) mod db_backup;
pub(crate) mod db_check;
pub(crate) mod db_export;
pub(crate) mod db_import;
pub(crate) mod db_migrate;
pub(crate) mod db_restore;
pub(crate) mod db_rollback;
pub(crate) mod db_status;
pub(crate) mod demo;
pub(crate) mod doctor;
pub(crate) mod import;
pub(crate) mod init;
pub(crate) mod run;
pub(crate) mod session_follow;
pub(crate) mod session_fork;
pub(crate) mod session_list;
pub(crate) mod session_search;
pub(crate) mod session_show;
pub(crate) mod session_tell;
pub(crate) mod session_timeline;
pub(crate) mod template;
pub(crate) mod worker;
