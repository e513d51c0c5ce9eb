//! Prices of models.

use domain::{model_price::ModelPrice, money::MicroUsd};
use provost_store::StoreError;

use crate::{fixture::Fixture, sample};

on_both_databases! {
    a_price_holds_from_its_time_until_the_next,
    a_price_set_again_replaces_the_one_of_the_same_time,
    the_prices_of_a_time_are_listed_by_model,
    prices_that_cannot_be_are_refused,
}

fn price(model: &str, micros: i64, seconds: i64) -> ModelPrice {
    ModelPrice {
        model: model.into(),
        valid_from: sample::time(seconds),
        input_usd_micros_per_million: MicroUsd::from_micros(micros),
        output_usd_micros_per_million: MicroUsd::from_micros(micros + 1),
        cache_creation_usd_micros_per_million: MicroUsd::from_micros(micros + 2),
        cache_read_usd_micros_per_million: MicroUsd::from_micros(micros + 3),
        updated_by: "system:test".into(),
        updated_at: sample::time(0),
    }
}

async fn set(fixture: &Fixture, price: &ModelPrice) -> Result<(), StoreError> {
    let price = price.clone();
    fixture.store.write(move |tx| tx.model_prices().set(&price)).await
}

async fn at(fixture: &Fixture, model: &'static str, seconds: i64) -> Option<ModelPrice> {
    let find = move |conn: &provost_store::Conn| conn.model_prices().find_at(model, sample::time(seconds));
    fixture.store.read(find).await.unwrap()
}

async fn list(fixture: &Fixture, seconds: i64, after: &'static str, limit: u32) -> Vec<ModelPrice> {
    let list =
        move |conn: &provost_store::Conn| conn.model_prices().list_at(sample::time(seconds), after, limit);
    fixture.store.read(list).await.unwrap()
}

async fn a_price_holds_from_its_time_until_the_next(fixture: &Fixture) {
    let (first, second) = (price("sonnet", 10, 5), price("sonnet", 20, 9));
    for price in [&second, &first, &price("opus", 30, 1)] {
        set(fixture, price).await.unwrap();
    }
    assert_eq!(at(fixture, "sonnet", 4).await, None);
    assert_eq!(at(fixture, "sonnet", 5).await, Some(first.clone()));
    assert_eq!(at(fixture, "sonnet", 8).await, Some(first));
    assert_eq!(at(fixture, "sonnet", 9).await, Some(second));
    assert_eq!(at(fixture, "haiku", 9).await, None);
}

async fn a_price_set_again_replaces_the_one_of_the_same_time(fixture: &Fixture) {
    set(fixture, &price("sonnet", 10, 5)).await.unwrap();
    let better =
        ModelPrice { updated_by: "user:ada".into(), updated_at: sample::time(7), ..price("sonnet", 0, 5) };
    set(fixture, &better).await.unwrap();
    assert_eq!(at(fixture, "sonnet", 5).await, Some(better));
}

async fn the_prices_of_a_time_are_listed_by_model(fixture: &Fixture) {
    let prices = [
        price("c", 1, 1),
        price("a", 2, 1),
        price("a", 3, 5),
        price("a", 4, 9),
        price("b", 5, 5),
        price("d", 6, 6),
    ];
    for price in &prices {
        set(fixture, price).await.unwrap();
    }
    let [c, _, a, _, b, _] = prices;
    assert_eq!(list(fixture, 5, "", 10).await, [a.clone(), b.clone(), c.clone()]);
    assert_eq!(list(fixture, 5, "", 2).await, [a, b]);
    assert_eq!(list(fixture, 5, "b", 2).await, [c]);
}

async fn prices_that_cannot_be_are_refused(fixture: &Fixture) {
    let mut negative = price("sonnet", 1, 1);
    negative.cache_read_usd_micros_per_million = MicroUsd::from_micros(-1);
    let refused = [
        (price("", 1, 1), "model"),
        (price(&"m".repeat(201), 1, 1), "model"),
        (negative, "cache_read_usd_micros_per_million"),
    ];
    for (price, named) in refused {
        let error = set(fixture, &price).await;
        assert!(matches!(error, Err(StoreError::Invalid { field, .. }) if field == named), "{error:?}");
    }
    assert_eq!(list(fixture, 100, "", 10).await, []);
}
