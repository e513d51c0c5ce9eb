//! MCP servers.

use domain::{
    id::McpServerId,
    mcp_server::{McpHealth, McpServer, McpTransport},
};
use provost_store::{Conn, McpServerFilter, StoreError, Tx};
use serde_json::json;

use crate::{fixture::Fixture, sample};

on_both_databases! {
    a_server_is_found_as_it_was_added,
    another_team_sees_and_changes_no_server,
    a_stale_server_does_not_overwrite,
    looking_at_a_server_makes_nobody_stale,
    a_deleted_server_leaves_its_name,
    servers_are_paged_and_filtered,
}

fn server(name: &str) -> McpServer {
    McpServer {
        id: McpServerId::from_uuid(sample::uuid()),
        team_id: sample::TEAM,
        name: name.parse().unwrap(),
        transport: McpTransport::Stdio,
        config: json!({ "command": "git-mcp", "args": [] }),
        is_enabled: true,
        health: McpHealth::Unknown,
        checked_at: None,
        version: 1,
        created_at: sample::time(1),
        updated_at: sample::time(1),
    }
}

async fn insert(fixture: &Fixture, server: McpServer) -> Result<(), StoreError> {
    fixture.store.write(move |tx| tx.team(sample::TEAM).mcp_servers().insert(&server)).await
}

async fn find(fixture: &Fixture, id: McpServerId) -> McpServer {
    fixture.store.read(move |conn| conn.team(sample::TEAM).mcp_servers().find(id)).await.unwrap().unwrap()
}

async fn a_server_is_found_as_it_was_added(fixture: &Fixture) {
    for (&transport, &health) in McpTransport::ALL.iter().zip(McpHealth::ALL) {
        let added = McpServer {
            transport,
            health,
            checked_at: Some(sample::time(2)),
            is_enabled: false,
            ..server(transport.as_str())
        };
        insert(fixture, added.clone()).await.unwrap();
        let name = added.name.clone();
        let by_name =
            fixture.store.read(move |conn| conn.team(sample::TEAM).mcp_servers().find_by_name(&name));
        assert_eq!(by_name.await, Ok(Some(added.clone())));
        assert_eq!(find(fixture, added.id).await, added);
    }
}

async fn another_team_sees_and_changes_no_server(fixture: &Fixture) {
    let (own, other) = (server("a"), fixture.other_team().await);
    let id = own.id;
    insert(fixture, own.clone()).await.unwrap();
    let seen = fixture.store.read(move |conn| {
        let servers = conn.team(other).mcp_servers();
        Ok::<_, StoreError>((servers.find(id)?, servers.list(McpServerFilter::default(), None, 10)?.items))
    });
    assert_eq!(seen.await, Ok((None, Vec::new())));
    let at = sample::time(2);
    let looked = fixture
        .store
        .write(move |tx| tx.team(other).mcp_servers().record_health(id, 1, McpHealth::Healthy, at))
        .await;
    assert!(matches!(looked, Err(StoreError::Missing { .. })), "{looked:?}");
    let deleted = fixture.store.write(move |tx| tx.team(other).mcp_servers().delete(id, at)).await;
    assert!(matches!(deleted, Err(StoreError::Missing { .. })), "{deleted:?}");
    let updated = fixture.store.write(move |tx| tx.team(other).mcp_servers().update(&own)).await;
    assert!(matches!(updated, Err(StoreError::Conflict { .. })), "{updated:?}");
}

async fn update(fixture: &Fixture, server: McpServer) -> Result<i64, StoreError> {
    fixture.store.write(move |tx| tx.team(sample::TEAM).mcp_servers().update(&server)).await
}

async fn a_stale_server_does_not_overwrite(fixture: &Fixture) {
    let first = server("a");
    insert(fixture, first.clone()).await.unwrap();
    assert_eq!(update(fixture, McpServer { is_enabled: false, ..first.clone() }).await, Ok(2));
    let stale = update(fixture, first.clone()).await.unwrap_err();
    let what = format!("MCP server {}", first.id);
    assert_eq!(stale, StoreError::Stale { what, expected: 1, current: 2 });
    insert(fixture, server("b")).await.unwrap();
    let taken = update(fixture, McpServer { name: "b".parse().unwrap(), version: 2, ..first }).await;
    assert!(matches!(taken, Err(StoreError::Conflict { .. })), "{taken:?}");
}

async fn looking_at_a_server_makes_nobody_stale(fixture: &Fixture) {
    let first = server("a");
    let id = first.id;
    insert(fixture, first.clone()).await.unwrap();
    let look = |version, health| {
        let look = move |tx: &Tx<'_>| {
            tx.team(sample::TEAM).mcp_servers().record_health(id, version, health, sample::time(5))
        };
        fixture.store.write(look)
    };
    look(1, McpHealth::Degraded).await.unwrap();
    let seen = find(fixture, id).await;
    let (health, checked_at) = (McpHealth::Degraded, Some(sample::time(5)));
    assert_eq!(seen, McpServer { health, checked_at, ..first.clone() });
    assert_eq!(update(fixture, seen).await, Ok(2));
    let changed = find(fixture, id).await;
    assert_eq!((changed.health, changed.checked_at), (McpHealth::Unknown, None), "nobody looked since");
    let late = look(1, McpHealth::Healthy).await;
    assert!(matches!(late, Err(StoreError::Missing { .. })), "{late:?}");
}

async fn a_deleted_server_leaves_its_name(fixture: &Fixture) {
    let first = server("a");
    let id = first.id;
    insert(fixture, first).await.unwrap();
    let taken = insert(fixture, server("a")).await;
    assert!(matches!(taken, Err(StoreError::Conflict { .. })), "{taken:?}");
    let delete = move |tx: &Tx<'_>| tx.team(sample::TEAM).mcp_servers().delete(id, sample::time(2));
    fixture.store.write(delete).await.unwrap();
    let again = fixture.store.write(delete).await;
    assert!(matches!(again, Err(StoreError::Missing { .. })), "{again:?}");
    insert(fixture, server("a")).await.unwrap();
}

async fn servers_are_paged_and_filtered(fixture: &Fixture) {
    let mut ids = Vec::new();
    for number in 0..5 {
        let health = if number == 1 { McpHealth::Unhealthy } else { McpHealth::Healthy };
        let created_at = sample::time(number / 2);
        let added =
            McpServer { health, created_at, is_enabled: number != 2, ..server(&format!("s{number}")) };
        ids.push(added.id);
        insert(fixture, added).await.unwrap();
    }
    ids.reverse();
    let list = |filter, after, limit| async move {
        let list = move |conn: &Conn| conn.team(sample::TEAM).mcp_servers().list(filter, after, limit);
        let page = fixture.store.read(list).await.unwrap();
        (page.items.iter().map(|server| server.id).collect::<Vec<_>>(), page.next)
    };
    let any = McpServerFilter::default();
    let (mut paged, next) = list(any, None, 3).await;
    insert(fixture, McpServer { created_at: sample::time(9), ..server("late") }).await.unwrap();
    let (rest, end) = list(any, next, 3).await;
    paged.extend(rest);
    assert_eq!((paged, end), (ids.clone(), None));
    assert_eq!(list(McpServerFilter { is_enabled: Some(false), ..any }, None, 10).await.0, [ids[2]]);
    assert_eq!(
        list(McpServerFilter { health: Some(McpHealth::Unhealthy), ..any }, None, 10).await.0,
        [ids[3]]
    );
}
