//! How a command fails: what the person reads, what to do next, and the exit code. One funnel for all commands.

mod named;

use std::{fmt, process::ExitCode};

use agent::StartError;
use app::{
    InstallError,
    agents::AgentError,
    approvals::{AlwaysError, AnswerApprovalError, FindApprovalError},
    audit::{ReadExportError, RedactAuditError},
    captured::CaptureError,
    hook::HookError,
    import::ImportError,
    permission::{PolicyOrigin, TryCallError, UnusablePolicies},
    policies::PolicyError,
    session::{
        CheckpointError, ForkSessionError, GetSessionError, PlanError, ResolveSessionError,
        StartSessionError, TellSessionError,
    },
    templates::TemplateError,
};
use store::{
    AgentStatusError, AuditExportError, BackupError, OpenError, StoreError, migration::MigrationError,
    transfer::TransferError,
};

use self::named::{CREATE_IT, OWN_FILE};
use crate::{settings::SettingsProblem, terminal::text};

/// The exit codes a script can rely on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    Failed = 1,
    Usage = 2,
    Refused = 3,
    NotFound = 4,
    Internal = 70,
}

impl From<Code> for ExitCode {
    fn from(code: Code) -> Self {
        Self::from(code as u8)
    }
}

/// A failed command.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) code: Code,
    pub(crate) message: String,
    pub(crate) hints: Vec<String>,
}

impl Failure {
    pub(crate) fn new(code: Code, message: impl fmt::Display) -> Self {
        Self { code, message: message.to_string(), hints: Vec::new() }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }
}

impl From<anyhow::Error> for Failure {
    /// Whatever no command expected.
    fn from(error: anyhow::Error) -> Self {
        Self::new(Code::Internal, format!("{error:#}"))
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::new(Code::Failed, error)
    }
}

impl From<SettingsProblem> for Failure {
    fn from(problem: SettingsProblem) -> Self {
        let failure = Self::new(Code::Usage, &problem);
        match problem {
            SettingsProblem::Untrusted { .. } => {
                failure.hint("if you trust this file, name it: --config provost.toml")
            }
            SettingsProblem::UnknownKey { .. } | SettingsProblem::Value { .. } => {
                failure.hint("provost config show lists every setting with its value")
            }
            SettingsProblem::Unreadable { .. } | SettingsProblem::Syntax { .. } => failure,
        }
    }
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        let failure = |code| Self::new(code, &error);
        match &error {
            OpenError::DatabaseNotFound { .. } => failure(Code::NotFound).hint(CREATE_IT).hint(OWN_FILE),
            OpenError::NotADatabase { .. } => failure(Code::Failed).hint(OWN_FILE),
            OpenError::ForeignDatabase { .. } => failure(Code::Refused).hint(OWN_FILE).hint(
                "on a PostgreSQL server, provost db migrate creates Provost's tables beside the others",
            ),
            OpenError::ReadOnly { .. } => {
                failure(Code::Failed).hint("give yourself write permission, or name another one")
            }
            OpenError::Locked { .. } => {
                failure(Code::Failed).hint("end the program that holds it, then try again")
            }
            OpenError::PgvectorOlder { .. } => failure(Code::Refused).hint(
                "install a newer pgvector on the server; a database that has the old one also needs: ALTER EXTENSION vector UPDATE",
            ),
            OpenError::SchemaNewer { .. } => {
                failure(Code::Refused).hint("use the newer provost that migrated it")
            }
            OpenError::SchemaOlder { .. } => {
                failure(Code::Refused).hint("to bring it forward: provost db migrate")
            }
            OpenError::InvalidAddress { .. } => {
                failure(Code::Usage).hint("accepted: a file, or postgres://user:password@host:port/database")
            }
            OpenError::Unopenable { .. } => {
                failure(Code::Failed).hint("provost doctor looks at what is in the way")
            }
            OpenError::NoBackup { .. } => {
                failure(Code::Failed).hint("make room there, or write permission, and try again")
            }
            OpenError::Migration(error) => error.clone().into(),
            // A server that was reached and did not let us in.
            OpenError::Store(StoreError::Other { .. }) => {
                failure(Code::Failed).hint("look at the user, password, database and sslmode in the address")
            }
            OpenError::Store(error) => error.clone().into(),
        }
    }
}

impl From<CaptureError> for Failure {
    fn from(error: CaptureError) -> Self {
        match error {
            CaptureError::Policies(error) => error.into(),
            CaptureError::Store(error) => error.into(),
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let failure = |code| Self::new(code, &error);
        match &error {
            StoreError::Unavailable { .. } | StoreError::Overloaded { .. } => {
                failure(Code::Failed).hint("try again; provost doctor looks at what is in the way")
            }
            StoreError::Conflict { .. } | StoreError::Stale { .. } | StoreError::Fenced => {
                failure(Code::Refused)
            }
            StoreError::Missing { .. } => failure(Code::NotFound),
            StoreError::Invalid { .. } => failure(Code::Usage),
            StoreError::ReadOnly => failure(Code::Failed),
            StoreError::Full => {
                failure(Code::Failed).hint("make room where the database lives; nothing stored was lost")
            }
            StoreError::Corrupt { .. } => {
                failure(Code::Failed).hint("provost db check names what is damaged")
            }
            StoreError::Panicked { .. } | StoreError::Closed | StoreError::Other { .. } => {
                failure(Code::Internal)
            }
        }
    }
}

impl From<MigrationError> for Failure {
    fn from(error: MigrationError) -> Self {
        match error {
            MigrationError::Store(error) => error.into(),
            MigrationError::Changed { .. } | MigrationError::Unknown { .. } => {
                Self::new(Code::Refused, error).hint("use the provost that migrated this database")
            }
            MigrationError::Failed { .. } => Self::new(Code::Failed, error).hint("nothing of it was kept"),
        }
    }
}

impl From<BackupError> for Failure {
    fn from(error: BackupError) -> Self {
        let failure = |code| Self::new(code, &error);
        match &error {
            BackupError::Exists { .. } => failure(Code::Refused).hint("to replace it: --force"),
            BackupError::NotEmpty { .. } => {
                failure(Code::Refused).hint("name a new file: provost db restore FILE --database NEW")
            }
            BackupError::Damaged { .. } => {
                failure(Code::Failed).hint("provost db check names what is damaged")
            }
            BackupError::Unwritable { .. } | BackupError::Stopped => failure(Code::Failed),
            // Other than a database that a command works on, a copy is never made by naming it.
            BackupError::Open(OpenError::DatabaseNotFound { .. }) => failure(Code::NotFound),
            BackupError::Open(error) => error.clone().into(),
            BackupError::Store(error) => error.clone().into(),
        }
    }
}

impl From<TransferError> for Failure {
    fn from(error: TransferError) -> Self {
        let failure = |code| Self::new(code, &error);
        match &error {
            TransferError::NotEmpty { .. } => failure(Code::Refused)
                .hint("name a new file or an empty database: provost db import --database FILE|URL"),
            TransferError::OtherVersion { found, known, .. } if found > known => {
                failure(Code::Refused).hint("import it with a newer provost")
            }
            TransferError::OtherVersion { .. } => failure(Code::Refused)
                .hint("import it with the provost that exported it, then bring that database forward"),
            TransferError::OtherSchema { .. } => {
                failure(Code::Refused).hint("export it with the provost that it was migrated by")
            }
            TransferError::Line { .. } | TransferError::Differs { .. } => {
                failure(Code::Failed).hint("nothing was imported")
            }
            TransferError::Unwritable { .. } => {
                failure(Code::Failed).hint("provost db check names what is damaged")
            }
            TransferError::Io { .. } | TransferError::Stopped => failure(Code::Failed),
            TransferError::Store(error) => error.clone().into(),
        }
    }
}

impl From<AuditExportError> for Failure {
    fn from(error: AuditExportError) -> Self {
        match error {
            AuditExportError::Io(error) => error.into(),
            AuditExportError::Store(error) => error.into(),
        }
    }
}

impl From<ReadExportError> for Failure {
    fn from(error: ReadExportError) -> Self {
        match error {
            ReadExportError::Io(error) => error.into(),
            ReadExportError::Export(error) => {
                Self::new(Code::Failed, error).hint("provost audit export writes one that can be verified")
            }
        }
    }
}

impl From<RedactAuditError> for Failure {
    fn from(error: RedactAuditError) -> Self {
        match error {
            RedactAuditError::NotFound(_) => {
                Self::new(Code::NotFound, error).hint("provost audit list shows what there is")
            }
            RedactAuditError::Blank(_) => Self::new(Code::Refused, error),
            RedactAuditError::Store(error) => error.into(),
        }
    }
}

impl From<FindApprovalError> for Failure {
    fn from(error: FindApprovalError) -> Self {
        match error {
            FindApprovalError::NotFound(_) | FindApprovalError::NoneYet => {
                Self::new(Code::NotFound, error).hint(SEE_APPROVALS)
            }
            FindApprovalError::Ambiguous { .. } => {
                Self::new(Code::Usage, error).hint("name more of it, or the whole id")
            }
            FindApprovalError::Store(error) => error.into(),
        }
    }
}

impl From<TryCallError> for Failure {
    fn from(error: TryCallError) -> Self {
        match error {
            TryCallError::Policies(error) => Self::new(Code::Usage, error)
                .hint("provost config show --origin lists the settings policy.* and where they are set"),
            TryCallError::Policy(error) => Self::new(Code::Failed, error)
                .hint("sessions deny everything until it is mended: provost policy update, or disable"),
            TryCallError::Store(error) => error.into(),
        }
    }
}

impl From<AlwaysError> for Failure {
    fn from(error: AlwaysError) -> Self {
        let failure = |code| Self::new(code, &error);
        match error {
            AlwaysError::NotExact => failure(Code::Refused).hint("name one: --always --rule 'Bash(make:*)'"),
            AlwaysError::StillDecided { .. } => {
                failure(Code::Refused).hint("provost policy explain shows what each policy says about it")
            }
            AlwaysError::Rule(_) => failure(Code::Usage),
            AlwaysError::Policies(_) => failure(Code::Failed),
            AlwaysError::NoSession(_) => failure(Code::NotFound),
            AlwaysError::Store(error) => error.into(),
        }
    }
}

impl From<AnswerApprovalError> for Failure {
    fn from(error: AnswerApprovalError) -> Self {
        match error {
            AnswerApprovalError::NotFound(_) => Self::new(Code::NotFound, error).hint(SEE_APPROVALS),
            AnswerApprovalError::Settled(_) => Self::new(Code::Refused, error),
            AnswerApprovalError::Unanswered { ref approval, .. } => {
                let failure = Self::new(Code::Usage, &error);
                text::how_to_answer(approval).into_iter().fold(failure, Self::hint)
            }
            AnswerApprovalError::NotKept(_) => Self::new(Code::Refused, error)
                .hint("provost policy enable \"allowed by approvals\", or approve it without --always"),
            AnswerApprovalError::Store(error) => error.into(),
        }
    }
}

impl From<InstallError> for Failure {
    fn from(error: InstallError) -> Self {
        match error {
            InstallError::Email(error) => {
                Self::new(Code::Usage, error).hint("set the variable USER to a plain name")
            }
            InstallError::Name(error) => {
                Self::new(Code::Usage, error).hint("set the variable USER to a plain name")
            }
            InstallError::Store(error) => error.into(),
        }
    }
}

impl From<GetSessionError> for Failure {
    fn from(error: GetSessionError) -> Self {
        match error {
            GetSessionError::NotFound(_) => Self::new(Code::NotFound, error).hint(SEE_SESSIONS),
            GetSessionError::Store(error) => error.into(),
        }
    }
}

impl From<ResolveSessionError> for Failure {
    fn from(error: ResolveSessionError) -> Self {
        match error {
            ResolveSessionError::NotFound(_) => Self::new(Code::NotFound, error).hint(SEE_SESSIONS),
            ResolveSessionError::NoneYet => Self::new(Code::NotFound, error).hint("to see one: provost demo"),
            ResolveSessionError::Ambiguous { .. } => {
                Self::new(Code::Usage, error).hint("type more of the id")
            }
            ResolveSessionError::Store(error) => error.into(),
        }
    }
}

impl From<StartSessionError> for Failure {
    fn from(error: StartSessionError) -> Self {
        let failure = |code| Self::new(code, &error);
        match error {
            StartSessionError::NotFound(_) => failure(Code::NotFound).hint(SEE_SESSIONS),
            StartSessionError::NotResumable { .. } => {
                failure(Code::Refused).hint("provost session list shows which can be resumed")
            }
            StartSessionError::Elsewhere(id) => failure(Code::Refused)
                .hint("end it there first")
                .hint(format!("if it is not open any more: provost session terminate {id}")),
            StartSessionError::OtherRuntime { runtime, .. } => {
                failure(Code::Refused).hint(format!("add --runtime {runtime}"))
            }
            StartSessionError::BudgetSpent { .. } => {
                failure(Code::Refused).hint("start a new session with its own --budget")
            }
            StartSessionError::Policies(error) => error.into(),
            StartSessionError::Agent(error) => error.into(),
            StartSessionError::Store(error) => error.into(),
        }
    }
}

impl From<UnusablePolicies> for Failure {
    fn from(error: UnusablePolicies) -> Self {
        let failure = |code| Self::new(code, &error);
        match &error {
            UnusablePolicies::NotAccepted => {
                failure(Code::Refused).hint("start it without --policy, or set policy.custom")
            }
            UnusablePolicies::Policy { origin: PolicyOrigin::Settings, .. } => failure(Code::Usage)
                .hint("provost config show --origin lists the settings policy.* and where they are set"),
            UnusablePolicies::Form { .. } | UnusablePolicies::Policy { .. } => failure(Code::Usage),
        }
    }
}

impl From<TellSessionError> for Failure {
    fn from(error: TellSessionError) -> Self {
        let failure = |code| Self::new(code, &error);
        match error {
            TellSessionError::NotFound(_) => failure(Code::NotFound).hint(SEE_SESSIONS),
            TellSessionError::NotRunning { .. } | TellSessionError::Over { .. } => {
                failure(Code::Refused).hint("provost session list shows where each one is")
            }
            TellSessionError::Elsewhere(id) => failure(Code::Refused).hint(format!(
                "once it has ended there, go on with it here: provost run --resume {id} PROMPT"
            )),
            TellSessionError::Store(error) => error.into(),
        }
    }
}

impl From<CheckpointError> for Failure {
    fn from(error: CheckpointError) -> Self {
        let failure = |code| Self::new(code, &error);
        match error {
            CheckpointError::NotFound(_) => failure(Code::NotFound).hint(SEE_SESSIONS),
            CheckpointError::NoCheckpoint { session, .. } => failure(Code::NotFound)
                .hint(format!("provost session checkpoints {session} shows what there is")),
            CheckpointError::Archived(_) => failure(Code::Refused),
            CheckpointError::Files(_) => {
                failure(Code::Failed).hint("without --files only what was said is kept")
            }
            CheckpointError::Fork(error) => error.into(),
            CheckpointError::Store(error) => error.into(),
        }
    }
}

impl From<ForkSessionError> for Failure {
    fn from(error: ForkSessionError) -> Self {
        let failure = |code| Self::new(code, &error);
        match error {
            ForkSessionError::NotFound(_) => failure(Code::NotFound).hint(SEE_SESSIONS),
            ForkSessionError::NotForkable { .. } => failure(Code::Refused).hint(SEE_SESSIONS),
            ForkSessionError::Files(_) => {
                failure(Code::Failed).hint("to begin without files: --empty-folder")
            }
            ForkSessionError::Store(error) => error.into(),
        }
    }
}

impl From<ImportError> for Failure {
    fn from(error: ImportError) -> Self {
        match error {
            ImportError::Folder { ref source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
                Self::new(Code::NotFound, error).hint("name the folder the transcripts are below")
            }
            ImportError::Folder { .. } => Self::new(Code::Failed, error),
            ImportError::Store(error) => error.into(),
        }
    }
}

impl From<PlanError> for Failure {
    fn from(error: PlanError) -> Self {
        let (code, hint) = match error {
            PlanError::Agent(error) => return error.into(),
            PlanError::Store(error) => return error.into(),
            PlanError::NotActive { ref slug, .. } => {
                (Code::Refused, format!("to let sessions start with it: provost agent activate {slug}"))
            }
            PlanError::NoTemplate(_) => {
                (Code::NotFound, "provost template list shows what there is".to_owned())
            }
        };
        Self::new(code, error).hint(hint)
    }
}

impl From<AgentError> for Failure {
    fn from(error: AgentError) -> Self {
        let failure = |code| Self::new(code, &error);
        match &error {
            AgentError::NotFound(_) => failure(Code::NotFound).hint("provost agent list shows what there is"),
            AgentError::NoVersion { slug, .. } => {
                failure(Code::NotFound).hint(format!("provost agent versions {slug} shows what there is"))
            }
            AgentError::Taken(slug) => failure(Code::Refused)
                .hint(format!("to give it a new version: provost agent edit {slug} FILE")),
            AgentError::OtherSlug { .. } => failure(Code::Usage).hint("create another agent with that slug"),
            AgentError::Status(AgentStatusError::Store(error)) | AgentError::Store(error) => {
                error.clone().into()
            }
            AgentError::Status(AgentStatusError::Illegal(_)) => failure(Code::Refused),
        }
    }
}

impl From<HookError> for Failure {
    fn from(error: HookError) -> Self {
        let failure = |code| Self::new(code, &error);
        match &error {
            HookError::NotFound(_) => failure(Code::NotFound).hint("provost hook list shows what there is"),
            HookError::Taken(_) => failure(Code::Refused).hint("provost hook remove takes it away"),
            HookError::Action(_) => failure(Code::Usage).hint("docs/hooks.md describes it"),
            HookError::Event { .. }
            | HookError::Tool { .. }
            | HookError::Matcher(_)
            | HookError::Timeout { .. } => failure(Code::Usage),
            HookError::Store(error) => error.clone().into(),
        }
    }
}

impl From<PolicyError> for Failure {
    fn from(error: PolicyError) -> Self {
        let failure = |code| Self::new(code, &error);
        match &error {
            PolicyError::NotFound { nearest, .. } => {
                let failure = match nearest {
                    Some(nearest) => failure(Code::NotFound).hint(format!("did you mean {nearest}?")),
                    None => failure(Code::NotFound),
                };
                failure.hint("provost policy list shows what there is")
            }
            PolicyError::NotThen { name, .. } => failure(Code::NotFound)
                .hint(format!("provost policy show {:?} --history shows when there was", name.as_str())),
            PolicyError::NoRevision { .. } => failure(Code::NotFound),
            PolicyError::Taken(_) => failure(Code::Refused).hint("provost policy update changes it"),
            PolicyError::Repeated(_) | PolicyError::Name(_) => failure(Code::Usage),
            PolicyError::Unreadable(_) => failure(Code::Usage).hint("docs/policies.md describes each kind"),
            PolicyError::Store(error) => error.clone().into(),
        }
    }
}

impl From<TemplateError> for Failure {
    fn from(error: TemplateError) -> Self {
        match error {
            TemplateError::NotFound(_) => {
                Self::new(Code::NotFound, error).hint("provost template list shows what there is")
            }
            TemplateError::Taken(_) => Self::new(Code::Refused, error).hint("to replace it: --replace"),
            TemplateError::Store(error) => error.into(),
        }
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
        let failure = |code| Self::new(code, format!("{error}{cause}"));
        match &error {
            StartError::NotFound { .. } => failure(Code::NotFound)
                .hint("install it: npm install -g @anthropic-ai/claude-code")
                .hint("or say where it is: PROVOST_RUNTIME__CLAUDE__COMMAND=/path/to/claude")
                .hint("or try without it: provost demo"),
            StartError::NotExecutable { command, .. } => {
                failure(Code::Failed).hint(format!("make it executable: chmod +x {}", command.display()))
            }
            StartError::WorkingDirectory { .. } => {
                failure(Code::Usage).hint("name an existing folder with --cwd")
            }
            StartError::TooOld { .. } => failure(Code::Failed).hint("update it: claude update"),
            StartError::HandshakeTimeout { .. } => {
                failure(Code::Failed).hint("provost doctor tries it step by step")
            }
            StartError::ResumeUnknown { .. } => {
                failure(Code::NotFound).hint("its own transcript is gone; start a new session")
            }
            StartError::SessionIdInUse => failure(Code::Refused).hint("end the other process that uses it"),
            StartError::SessionHooks { .. } => {
                failure(Code::Failed).hint("give temporary files a short path with TMPDIR")
            }
            StartError::Settings { .. } => failure(Code::Usage)
                .hint("mend them, or take them out of the setting runtime.claude.arguments"),
            StartError::Ungated { .. } => failure(Code::Usage)
                .hint("take it out of the setting runtime.claude.arguments, or out of the environment"),
            StartError::BadScenario { .. } => {
                failure(Code::Usage).hint("the file format is described in docs/agent-protocol.md")
            }
            StartError::ExitedEarly(_)
            | StartError::Refused { .. }
            | StartError::Spawn { .. }
            | StartError::NoVersion { .. } => {
                failure(Code::Failed).hint("provost doctor tries it step by step")
            }
        }
    }
}

const SEE_SESSIONS: &str = "provost session list shows what there is";
const SEE_APPROVALS: &str = "provost approval list --all shows what there is";
