//! Tokens that are known by the beginning and the length their providers gave them.

use super::{
    Secret,
    alphabet::{Alphabet, begins_word, ends_word},
    value,
};

/// A kind of token.
#[derive(Debug)]
pub(super) struct Token {
    kind: &'static str,
    pub(super) prefix: &'static str,
    /// What follows the prefix is of these, all as far as they go,
    alphabet: Alphabet,
    /// and so many of them.
    least: usize,
    most: usize,
}

const fn token(
    kind: &'static str,
    prefix: &'static str,
    alphabet: Alphabet,
    least: usize,
    most: usize,
) -> Token {
    Token { kind, prefix, alphabet, least, most }
}

const ANY: usize = usize::MAX;
/// How much of a token says whether it is one; more than any has to have.
const TOLD: usize = 256;

/// Prefixes and lengths as the providers' documentation and secret scanners give them. Where a provider says no length, the
/// least that it ever gave.
pub(super) const TOKENS: &[Token] = &[
    token("anthropic-key", "sk-ant-", Alphabet::Url, 24, ANY),
    token("openai-key", "sk-proj-", Alphabet::Url, 32, ANY),
    token("openai-key", "sk-svcacct-", Alphabet::Url, 32, ANY),
    token("openai-key", "sk-admin-", Alphabet::Url, 32, ANY),
    token("openrouter-key", "sk-or-v1-", Alphabet::Hex, 64, 64),
    token("openai-key", "sk-", Alphabet::Plain, 32, 64),
    token("aws-access-key", "AKIA", Alphabet::Base32, 16, 16),
    token("aws-access-key", "ASIA", Alphabet::Base32, 16, 16),
    token("aws-access-key", "ABIA", Alphabet::Base32, 16, 16),
    token("aws-access-key", "ACCA", Alphabet::Base32, 16, 16),
    token("github-token", "ghp_", Alphabet::Plain, 36, 255),
    token("github-token", "gho_", Alphabet::Plain, 36, 255),
    token("github-token", "ghu_", Alphabet::Plain, 36, 255),
    token("github-token", "ghs_", Alphabet::Plain, 36, 255),
    token("github-token", "ghr_", Alphabet::Plain, 36, 255),
    token("github-token", "github_pat_", Alphabet::Url, 82, 255),
    token("gitlab-token", "glpat-", Alphabet::Dotted, 20, 300),
    token("gitlab-token", "gloas-", Alphabet::Url, 64, 64),
    token("gitlab-token", "gldt-", Alphabet::Url, 20, 300),
    token("gitlab-token", "glrt-", Alphabet::Dotted, 20, 300),
    token("gitlab-token", "glcbt-", Alphabet::Url, 20, 300),
    token("gitlab-token", "glptt-", Alphabet::Url, 40, 300),
    token("gitlab-token", "glft-", Alphabet::Url, 20, 300),
    token("gitlab-token", "glimt-", Alphabet::Url, 20, 300),
    token("gitlab-token", "glagent-", Alphabet::Url, 50, 300),
    token("gitlab-token", "glsoat-", Alphabet::Url, 20, 300),
    token("slack-token", "xoxb-", Alphabet::Url, 20, ANY),
    token("slack-token", "xoxp-", Alphabet::Url, 20, ANY),
    token("slack-token", "xoxa-", Alphabet::Url, 20, ANY),
    token("slack-token", "xoxr-", Alphabet::Url, 20, ANY),
    token("slack-token", "xoxs-", Alphabet::Url, 20, ANY),
    token("slack-token", "xoxo-", Alphabet::Url, 20, ANY),
    token("slack-token", "xoxd-", Alphabet::Base64, 20, ANY),
    token("slack-token", "xoxe-", Alphabet::Url, 20, ANY),
    token("slack-token", "xoxe.xoxb-", Alphabet::Url, 20, ANY),
    token("slack-token", "xoxe.xoxp-", Alphabet::Url, 20, ANY),
    token("slack-token", "xapp-", Alphabet::Url, 20, ANY),
    token("stripe-key", "sk_live_", Alphabet::Plain, 16, 255),
    token("stripe-key", "sk_test_", Alphabet::Plain, 16, 255),
    token("stripe-key", "rk_live_", Alphabet::Plain, 16, 255),
    token("stripe-key", "rk_test_", Alphabet::Plain, 16, 255),
    token("stripe-secret", "whsec_", Alphabet::Base64, 24, 255),
    token("google-key", "AIza", Alphabet::Url, 35, 35),
    token("google-token", "ya29.", Alphabet::Url, 30, ANY),
    token("google-secret", "GOCSPX-", Alphabet::Url, 28, 28),
    token("npm-token", "npm_", Alphabet::Plain, 36, 36),
    token("pypi-token", "pypi-AgE", Alphabet::Url, 50, ANY),
    token("huggingface-token", "hf_", Alphabet::Plain, 30, 40),
    token("huggingface-token", "api_org_", Alphabet::Plain, 30, 40),
    token("digitalocean-token", "dop_v1_", Alphabet::Hex, 64, 64),
    token("digitalocean-token", "doo_v1_", Alphabet::Hex, 64, 64),
    token("digitalocean-token", "dor_v1_", Alphabet::Hex, 64, 64),
    token("sendgrid-key", "SG.", Alphabet::Dotted, 66, 66),
    token("twilio-key", "SK", Alphabet::Hex, 32, 32),
    token("groq-key", "gsk_", Alphabet::Plain, 52, 52),
    token("xai-key", "xai-", Alphabet::Plain, 80, 80),
    token("perplexity-key", "pplx-", Alphabet::Plain, 48, 56),
    token("replicate-token", "r8_", Alphabet::Plain, 37, 37),
    token("databricks-token", "dapi", Alphabet::Hex, 32, 32),
    token("vault-token", "hvs.", Alphabet::Url, 24, ANY),
    token("vault-token", "hvb.", Alphabet::Url, 24, ANY),
    token("shopify-token", "shpat_", Alphabet::Hex, 32, 32),
    token("shopify-secret", "shpss_", Alphabet::Hex, 32, 32),
    token("linear-key", "lin_api_", Alphabet::Plain, 40, 40),
    token("notion-token", "ntn_", Alphabet::Plain, 40, 60),
    token("grafana-token", "glsa_", Alphabet::Url, 41, 41),
    token("newrelic-key", "NRAK-", Alphabet::Plain, 27, 27),
    token("supabase-key", "sbp_", Alphabet::Hex, 40, 40),
    token("doppler-token", "dp.pt.", Alphabet::Plain, 40, 44),
    token("pulumi-token", "pul-", Alphabet::Hex, 40, 40),
    token("planetscale-token", "pscale_tkn_", Alphabet::Url, 32, 64),
    token("age-key", "AGE-SECRET-KEY-1", Alphabet::Plain, 58, 58),
];

impl Token {
    /// The token that begins here.
    pub(super) fn secret(&self, text: &str, start: usize) -> Option<Secret> {
        // Those who look for anchors do not look at their case.
        let is_prefix = text[start..].starts_with(self.prefix) && begins_word(text, start);
        if !is_prefix {
            return None;
        }
        let begin = start + self.prefix.len();
        let told = self.alphabet.run_up_to(text, begin, TOLD);
        if told.len() < self.least || !value::is_random(&text[told]) {
            return None;
        }
        let body = self.alphabet.run_up_to(text, begin, self.most.saturating_add(1));
        let is_token = body.len() <= self.most && ends_word(text, body.end);
        is_token.then_some(Secret { range: start..body.end, kind: self.kind })
    }
}
