//! How fast transcripts of the agent CLI are read.

use std::{
    fs::{self, File},
    io::{BufWriter, Write as _},
    ops::ControlFlow,
    path::Path,
    sync::{Mutex, PoisonError},
    time::Instant,
};

use serde_json::{Value, json};

use super::{
    memory::resident_megabytes,
    report::{Figure, Report},
    sample, sessions, sqlite,
};

const MEGABYTES: u64 = 100;
const FEWEST_PER_SECOND: f64 = 50.0;
const WORDS: [&str; 12] = [
    "parser", "token", "the", "fails", "because", "borrowed", "value", "moved", "test", "assert", "line",
    "return",
];

/// Writes sessions as the CLI keeps them and reads them; then again, when nothing is new.
pub(super) fn measure(folder: &Path, report: &mut Report) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let transcripts = folder.join("transcripts");
    let bytes = write_transcripts(&transcripts)?;
    runtime.block_on(async {
        let (app, caller) = sessions::app_on(sqlite::open(&folder.join("transcripts.db"))?).await?;
        let before = resident_megabytes("self")?;
        let most = Mutex::new(before);
        let mut watch = |_| {
            let mut most = most.lock().unwrap_or_else(PoisonError::into_inner);
            *most = most.max(resident_megabytes("self").unwrap_or_default());
            ControlFlow::Continue(())
        };
        let begin = Instant::now();
        let first = app.import_transcripts(caller, &transcripts, &mut watch).await?;
        let seconds = begin.elapsed().as_secs_f64();
        anyhow::ensure!(first.bytes == bytes && first.unreadable_lines == 0, "{first:?}");
        let rate = megabytes(bytes) / seconds;
        report.add(&Figure {
            name: "import of transcripts",
            figure: format!(
                "{rate:.0} MB/s, {:.0} MB more in memory",
                *most.lock().unwrap_or_else(PoisonError::into_inner) - before
            ),
            ratio: None,
            target: format!("≥ {FEWEST_PER_SECOND} MB/s"),
            is_met: Some(rate >= FEWEST_PER_SECOND),
        })?;
        let begin = Instant::now();
        let again = app.import_transcripts(caller, &transcripts, &mut watch).await?;
        anyhow::ensure!(again.messages == 0 && again.known_sessions == first.new_sessions, "{again:?}");
        report.add(&Figure {
            name: "import of transcripts, nothing new",
            figure: format!("{:.0} ms", begin.elapsed().as_secs_f64() * 1000.0),
            ratio: None,
            target: String::new(),
            is_met: None,
        })
    })
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// Sessions of some turns, each with tool calls whose results are of very different lengths, and the CLI's bookkeeping.
fn write_transcripts(folder: &Path) -> anyhow::Result<u64> {
    let mut bytes = 0;
    for project in 0_usize.. {
        if bytes >= MEGABYTES * 1_000_000 {
            break;
        }
        let place = folder.join(format!("-work-{}", project % 20));
        fs::create_dir_all(&place)?;
        let session = sample::uuid();
        let path = place.join(format!("{session}.jsonl"));
        let mut out = BufWriter::new(File::create(&path)?);
        let mut writer = Transcript { out: &mut out, session: session.to_string(), number: project };
        writer.write(&json!({ "type": "api-request-shape", "tools": writer.words(40_000) }))?;
        for turn in 0..20 {
            writer.said("user", &json!(writer.words(200)))?;
            for call in 0..6_usize {
                let id = format!("toolu_{turn}_{call}");
                let text = json!([{ "type": "text", "text": writer.words(300) }]);
                writer.said("assistant", &text)?;
                let input = json!({ "command": writer.words(200) });
                let used = json!([{ "type": "tool_use", "id": id, "name": "Bash", "input": input }]);
                writer.said("assistant", &used)?;
                let result = writer.words([200, 1_000, 4_000, 8_000, 500, 20_000][call]);
                let content = json!([{ "type": "tool_result", "tool_use_id": id, "content": result }]);
                writer.line("user", &content, &json!({ "stdout": result, "stderr": "" }))?;
            }
            writer.said("assistant", &json!([{ "type": "text", "text": writer.words(1_500) }]))?;
        }
        writer.write(&json!({ "type": "cost-state", "totalCostUSD": 0.25, "modelUsage": {} }))?;
        out.flush()?;
        bytes += fs::metadata(&path)?.len();
    }
    Ok(bytes)
}

struct Transcript<'o> {
    out: &'o mut BufWriter<File>,
    session: String,
    number: usize,
}

impl Transcript<'_> {
    fn words(&self, letters: usize) -> String {
        let mut text = String::with_capacity(letters + 16);
        let mut place = self.number;
        while text.len() < letters {
            place = place.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            text.push_str(WORDS[(place >> 33) % WORDS.len()]);
            // Few words are everywhere, many are rare.
            if (place >> 40).is_multiple_of(4) {
                text.push_str(&format!("_{}", (place >> 20) % 5_000));
            }
            text.push(' ');
        }
        text
    }

    fn said(&mut self, kind: &str, content: &Value) -> anyhow::Result<()> {
        self.line(kind, content, &Value::Null)
    }

    fn line(&mut self, kind: &str, content: &Value, result: &Value) -> anyhow::Result<()> {
        self.number += 1;
        let mut line = json!({
            "type": kind, "uuid": sample::uuid(), "parentUuid": sample::uuid(), "isSidechain": false,
            "userType": "external", "cwd": "/work", "sessionId": self.session, "version": "2.1.329",
            "gitBranch": "main", "timestamp": "2026-11-21T01:14:27.414Z",
            "message": { "role": kind, "id": format!("msg_{}", self.number), "content": content },
        });
        if !result.is_null() {
            line["toolUseResult"] = result.clone();
        }
        self.write(&line)
    }

    fn write(&mut self, line: &Value) -> anyhow::Result<()> {
        Ok(writeln!(self.out, "{line}")?)
    }
}
