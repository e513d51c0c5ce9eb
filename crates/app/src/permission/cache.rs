//! What the policies said lately, by call.

use std::{collections::HashMap, sync::Arc, time::Duration};

use domain::{digest::Sha256Digest, time::Timestamp};

use super::consult::Consulted;

/// How long an answer is believed.
const BELIEVED: Duration = Duration::from_secs(300);
/// The most answers that are kept.
const MOST: usize = 256;

/// Answers of one session. A key stands for the version of the policies, the tool, its folder and its input.
#[derive(Debug, Default)]
pub(super) struct Cache(HashMap<Sha256Digest, Entry>);

#[derive(Debug)]
struct Entry {
    until: Timestamp,
    consulted: Arc<Consulted>,
}

impl Cache {
    pub(super) fn get(&self, key: &Sha256Digest, now: Timestamp) -> Option<Arc<Consulted>> {
        let entry = self.0.get(key)?;
        // A clock that was set back must not make an answer live longer.
        let is_believed = now < entry.until && entry.until <= now.plus(BELIEVED);
        is_believed.then(|| Arc::clone(&entry.consulted))
    }

    pub(super) fn put(&mut self, key: Sha256Digest, consulted: Arc<Consulted>, now: Timestamp) {
        if self.0.len() >= MOST {
            self.0.retain(|_, entry| entry.until > now);
        }
        if self.0.len() >= MOST {
            self.0.clear();
        }
        self.0.insert(key, Entry { until: now.plus(BELIEVED), consulted });
    }
}
