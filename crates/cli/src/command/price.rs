//! `provost price`: what tokens of models cost.

use std::process::ExitCode;

use app::prices::NewPrice;
use clap::{Args, Subcommand};
use domain::{model_price::ModelPrice, money::MicroUsd, time::Timestamp};
use serde_json::json;

use crate::{
    composition::{Context, Opened},
    failure::Failure,
    terminal::text,
};

#[derive(Debug, Subcommand)]
pub(crate) enum PriceCommand {
    /// Set what a model's tokens cost, for turns whose agent program does not say it.
    Set(Set),
    /// List the prices that hold now, by model.
    List(List),
}

#[derive(Debug, Args)]
pub(crate) struct Set {
    /// The model, by the name that sessions show.
    model: String,
    /// Dollars for a million tokens that are read.
    #[arg(long, value_name = "USD")]
    input: MicroUsd,
    /// Dollars for a million tokens that are written.
    #[arg(long, value_name = "USD")]
    output: MicroUsd,
    /// Dollars for a million tokens that are written into the cache.
    #[arg(long, value_name = "USD", default_value = "0")]
    cache_write: MicroUsd,
    /// Dollars for a million tokens that are read from the cache.
    #[arg(long, value_name = "USD", default_value = "0")]
    cache_read: MicroUsd,
    /// From this time on, such as 2026-11-01T00:00:00Z. A model's first prices hold for all time otherwise, later ones from now on.
    #[arg(long, value_name = "TIME")]
    from: Option<Timestamp>,
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// How many.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
    /// Only models whose names come after this one.
    #[arg(long, value_name = "MODEL", default_value = "")]
    after: String,
}

impl PriceCommand {
    pub(crate) async fn run(self, context: Context) -> Result<ExitCode, Failure> {
        match self {
            Self::Set(command) => command.run(context).await,
            Self::List(command) => command.run(context).await,
        }
    }
}

impl Set {
    async fn run(self, context: Context) -> Result<ExitCode, Failure> {
        let Self { model, input, output, cache_write, cache_read, from } = self;
        let new = NewPrice { model, input, output, cache_write, cache_read, valid_from: from };
        let Opened { app, caller } = context.open().await?;
        let price = app.set_price(caller, new).await?;
        if context.terminal.is_json {
            context.terminal.json(&price)?;
        } else {
            context.terminal.say(&line(&price));
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl List {
    async fn run(self, context: Context) -> Result<ExitCode, Failure> {
        let Opened { app, .. } = context.open().await?;
        let prices = app.list_prices(self.after, self.limit).await?;
        if context.terminal.is_json {
            context.terminal.json(&json!({ "data": prices }))?;
            return Ok(ExitCode::SUCCESS);
        }
        if prices.is_empty() {
            context.terminal.say("no prices; provost price set sets one");
        }
        prices.iter().try_for_each(|price| context.terminal.data(&line(price)))?;
        Ok(ExitCode::SUCCESS)
    }
}

fn line(price: &ModelPrice) -> String {
    format!(
        "{:<32}  {} in, {} out, {} cache written, {} cache read, for a million tokens",
        text::one_line(&price.model, 200),
        price.input_usd_micros_per_million,
        price.output_usd_micros_per_million,
        price.cache_creation_usd_micros_per_million,
        price.cache_read_usd_micros_per_million,
    )
}
