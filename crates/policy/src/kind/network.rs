//! Hosts: names, ranges of addresses, schemes, and kinds of networks.

use domain::permission::Decision;
use serde_json::Value;

use super::{ConfigError, Finding, form};
use crate::{
    effect::{Effect, Endpoint},
    network::{Cidr, Host, Kind, Read, kind_of, parse_address, read_host, read_url},
    rule::DomainPattern,
};

/// What is said of hosts.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct NetworkPolicy {
    default: Option<Decision>,
    allow: Vec<HostPattern>,
    deny: Vec<HostPattern>,
    metadata: Decision,
    private: Option<Decision>,
    loopback: Option<Decision>,
    schemes: Vec<String>,
    ports: Vec<u16>,
}

#[derive(Debug, Clone, PartialEq)]
struct HostPattern {
    text: String,
    is: HostIs,
}

#[derive(Debug, Clone, PartialEq)]
enum HostIs {
    Domain(DomainPattern),
    Range(Cidr),
}

#[derive(serde::Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Form {
    default: Option<Decision>,
    allow: Vec<String>,
    deny: Vec<String>,
    metadata: Option<Decision>,
    private: Option<Decision>,
    loopback: Option<Decision>,
    schemes: Vec<String>,
    ports: Vec<u16>,
}

impl NetworkPolicy {
    pub(super) fn read(config: &Value) -> Result<Self, ConfigError> {
        let form: Form = form(config)?;
        Ok(Self {
            default: form.default,
            allow: patterns("allow", form.allow)?,
            deny: patterns("deny", form.deny)?,
            metadata: form.metadata.unwrap_or(Decision::Deny),
            private: form.private,
            loopback: form.loopback,
            schemes: form.schemes.iter().map(|scheme| scheme.to_lowercase()).collect(),
            ports: form.ports,
        })
    }

    pub(super) fn judge(&self, effect: &Effect) -> Option<Finding> {
        let Effect::Connect(endpoint) = effect else { return None };
        let read = if endpoint.is_url { read_url(&endpoint.target) } else { read_host(&endpoint.target) };
        match read {
            Read::As(host) => self.judge_host(&host, endpoint),
            Read::Ambiguous(why) => {
                let reason = format!("programs may read {} differently: {why}", endpoint.target);
                Some(Finding::new(Decision::Deny, "ambiguous", reason))
            }
            Read::Unknown => {
                let reason = format!("which host {} names is known only when it runs", endpoint.target);
                Some(Finding::new(
                    if self.default == Some(Decision::Deny) { Decision::Deny } else { Decision::Ask },
                    "unknown host",
                    reason,
                ))
            }
        }
    }

    fn judge_host(&self, host: &Host, endpoint: &Endpoint) -> Option<Finding> {
        let name = &host.name;
        let scheme = host.scheme.as_deref().or(endpoint.scheme.filter(|scheme| *scheme == "ssh"));
        if scheme == Some("file") {
            // It names a file, which other policies judge as one.
            return (!self.schemes.is_empty())
                .then(|| Finding::new(Decision::Deny, "schemes", "the scheme file is not accepted"));
        }
        let kind = kind_of(name);
        if kind == Kind::Metadata && self.metadata != Decision::Allow {
            return Some(Finding::new(
                self.metadata,
                "metadata",
                format!("{name} is a metadata service of a cloud"),
            ));
        }
        if let Some(pattern) = self.deny.iter().find(|pattern| pattern.matches(name)) {
            return Some(Finding::new(
                Decision::Deny,
                format!("deny: {}", pattern.text),
                format!("{name} is denied"),
            ));
        }
        if let Some(scheme) = scheme
            && !self.schemes.is_empty()
            && !self.schemes.iter().any(|known| known == scheme)
        {
            return Some(Finding::new(
                Decision::Deny,
                "schemes",
                format!("the scheme {scheme} is not accepted"),
            ));
        }
        if let Some(port) = host.port
            && !self.ports.is_empty()
            && !self.ports.contains(&port)
        {
            return Some(Finding::new(Decision::Deny, "ports", format!("the port {port} is not accepted")));
        }
        if let Some(pattern) = self.allow.iter().find(|pattern| pattern.matches(name)) {
            return Some(Finding::new(
                Decision::Allow,
                format!("allow: {}", pattern.text),
                format!("{name} is allowed"),
            ));
        }
        let by_kind = match kind {
            Kind::Private => self.private.map(|decision| (decision, "private")),
            Kind::Loopback => self.loopback.map(|decision| (decision, "loopback")),
            Kind::Metadata | Kind::Public => None,
        };
        if let Some((decision, list)) = by_kind {
            return Some(Finding::new(decision, list, format!("{name} is an address of the kind {list}")));
        }
        let decision = self.default?;
        let finding = Finding::new(decision, "default", format!("{name} is in none of the policy's lists"));
        Some(if decision == Decision::Deny { finding } else { finding.by_default() })
    }
}

fn patterns(field: &str, texts: Vec<String>) -> Result<Vec<HostPattern>, ConfigError> {
    texts
        .into_iter()
        .map(|text| {
            let is = match Cidr::read(&text) {
                Some(range) => Some(HostIs::Range(range)),
                None => DomainPattern::read(&text).map(HostIs::Domain),
            };
            match is {
                Some(is) => Ok(HostPattern { text, is }),
                None => Err(ConfigError::Value {
                    field: field.to_owned(),
                    value: text,
                    accepted: "a host, *.domain, an address, a range such as 10.0.0.0/8".to_owned(),
                }),
            }
        })
        .collect()
}

impl HostPattern {
    fn matches(&self, host: &str) -> bool {
        match &self.is {
            HostIs::Domain(pattern) => pattern.matches(host),
            HostIs::Range(range) => parse_address(host).is_some_and(|address| range.contains(address)),
        }
    }
}
