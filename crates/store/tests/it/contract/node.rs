//! Processes that run sessions.

use domain::{id::NodeId, node::Node};
use provost_store::StoreError;

use crate::{fixture::Fixture, sample};

on_both_databases! {
    a_node_is_found_as_it_was_made_known,
    a_process_is_one_node,
    a_stopped_node_has_no_heartbeat,
    nodes_that_fell_silent_are_listed,
}

fn node(pid: u32, heartbeat: i64) -> Node {
    Node {
        id: NodeId::from_uuid(sample::uuid()),
        owner: sample::lease(pid, sample::time(0)).owner,
        version: "0.1.0".into(),
        started_at: sample::time(0),
        heartbeat_at: sample::time(heartbeat),
        stopped_at: None,
    }
}

async fn register(fixture: &Fixture, node: &Node) -> Result<(), StoreError> {
    let node = node.clone();
    fixture.store.write(move |tx| tx.nodes().register(&node)).await
}

async fn find(fixture: &Fixture, id: NodeId) -> Option<Node> {
    fixture.store.read(move |conn| conn.nodes().find(id)).await.unwrap()
}

async fn heartbeat(fixture: &Fixture, id: NodeId, at: i64) -> Result<(), StoreError> {
    fixture.store.write(move |tx| tx.nodes().heartbeat(id, sample::time(at))).await
}

async fn stop(fixture: &Fixture, id: NodeId, at: i64) -> Result<(), StoreError> {
    fixture.store.write(move |tx| tx.nodes().stop(id, sample::time(at))).await
}

async fn a_node_is_found_as_it_was_made_known(fixture: &Fixture) {
    let known = node(1, 0);
    register(fixture, &known).await.unwrap();
    assert_eq!(find(fixture, known.id).await, Some(known.clone()));
    heartbeat(fixture, known.id, 10).await.unwrap();
    stop(fixture, known.id, 20).await.unwrap();
    let stopped =
        Node { heartbeat_at: sample::time(10), stopped_at: Some(sample::time(20)), ..known.clone() };
    assert_eq!(find(fixture, known.id).await, Some(stopped));
}

async fn a_process_is_one_node(fixture: &Fixture) {
    register(fixture, &node(1, 0)).await.unwrap();
    let twice = register(fixture, &node(1, 1)).await.unwrap_err();
    assert!(matches!(twice, StoreError::Conflict { .. }), "{twice}");
}

async fn a_stopped_node_has_no_heartbeat(fixture: &Fixture) {
    let known = node(1, 0);
    register(fixture, &known).await.unwrap();
    stop(fixture, known.id, 1).await.unwrap();
    let missing = Err(StoreError::Missing { what: format!("running node {}", known.id) });
    assert_eq!(heartbeat(fixture, known.id, 2).await, missing);
    assert_eq!(stop(fixture, known.id, 2).await, missing);
    let unknown = NodeId::from_uuid(sample::uuid());
    assert!(heartbeat(fixture, unknown, 2).await.is_err());
}

async fn nodes_that_fell_silent_are_listed(fixture: &Fixture) {
    let nodes = [node(1, 20), node(2, 10), node(3, 30), node(4, 5)];
    for node in &nodes {
        register(fixture, node).await.unwrap();
    }
    stop(fixture, nodes[3].id, 6).await.unwrap();
    let stale = async |before, limit| -> Vec<NodeId> {
        let list = fixture.store.read(move |conn| conn.nodes().list_stale(sample::time(before), limit)).await;
        list.unwrap().iter().map(|node| node.id).collect()
    };
    assert_eq!(stale(30, 10).await, [nodes[1].id, nodes[0].id]);
    assert_eq!(stale(30, 1).await, [nodes[1].id]);
    heartbeat(fixture, nodes[1].id, 40).await.unwrap();
    assert_eq!(stale(30, 10).await, [nodes[0].id]);
}
