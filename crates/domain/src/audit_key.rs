//! Keys that seals of the audit log are signed with: ed25519. Where a private one is kept is its owner's affair.

use std::collections::BTreeMap;

use ed25519_dalek::{Signature, Signer as _, VerifyingKey};

use crate::{
    audit_seal::{AuditFault, AuditSeal},
    digest::Sha256Digest,
    hexadecimal,
    time::Timestamp,
};

/// A private key. Never shown, not even by `Debug`.
#[derive(Clone)]
pub struct SigningKey(ed25519_dalek::SigningKey);

/// A key as everybody may know it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditKey {
    /// The first 16 hexadecimal digits of the SHA-256 digest of the public key.
    pub id: String,
    /// The public key: 32 bytes.
    #[serde(with = "hexadecimal")]
    pub public_key: Vec<u8>,
    /// When it was first seen.
    pub created_at: Timestamp,
}

/// The keys that count.
#[derive(Debug, Clone, Default)]
pub struct KeyRing(BTreeMap<String, VerifyingKey>);

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("SigningKey").field(&self.id()).finish()
    }
}

impl SigningKey {
    /// The key that is made of these random bytes.
    #[must_use]
    pub fn from_seed(seed: [u8; 32]) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(&seed))
    }

    /// The bytes it was made of: the secret.
    #[must_use]
    pub fn seed(&self) -> [u8; 32] {
        self.0.to_bytes()
    }

    /// The name of its public key.
    #[must_use]
    pub fn id(&self) -> String {
        id_of(self.0.verifying_key().as_bytes())
    }

    /// The part of it that everybody may know.
    #[must_use]
    pub fn public(&self, created_at: Timestamp) -> AuditKey {
        AuditKey { id: self.id(), public_key: self.0.verifying_key().as_bytes().to_vec(), created_at }
    }

    /// Signs a seal: the 32 bytes of its digest. 64 bytes.
    #[must_use]
    pub fn sign(&self, digest: &Sha256Digest) -> Vec<u8> {
        self.0.sign(digest.as_bytes()).to_bytes().to_vec()
    }
}

impl FromIterator<AuditKey> for KeyRing {
    /// Keys whose id is not that of their public key do not count.
    fn from_iter<I: IntoIterator<Item = AuditKey>>(keys: I) -> Self {
        let valid = keys.into_iter().filter(|key| key.id == id_of(&key.public_key));
        let parsed = valid.filter_map(|key| {
            let bytes: [u8; 32] = key.public_key.try_into().ok()?;
            Some((key.id, VerifyingKey::from_bytes(&bytes).ok()?))
        });
        Self(parsed.collect())
    }
}

impl KeyRing {
    /// Of these keys only those whose ids are named; all, when none is.
    #[must_use]
    pub fn only(mut self, ids: &[String]) -> Self {
        self.0.retain(|id, _| ids.is_empty() || ids.contains(id));
        self
    }

    /// Looks at the signature of a seal: whether it is there, of a key that counts, and of its digest.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&self, seal: &AuditSeal) -> Result<(), AuditFault> {
        let (Some(id), Some(signature)) = (&seal.key_id, &seal.signature) else {
            return Err(AuditFault::SignatureMissing);
        };
        let key = self.0.get(id).ok_or(AuditFault::KeyUnknown)?;
        let signature = Signature::from_slice(signature).map_err(|_| AuditFault::SignatureWrong)?;
        // The strict form refuses signatures that fit more than one message.
        key.verify_strict(seal.digest.as_bytes(), &signature).map_err(|_| AuditFault::SignatureWrong)
    }
}

fn id_of(public_key: &[u8]) -> String {
    let mut id = Sha256Digest::of(public_key).to_string();
    id.truncate(16);
    id
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::TeamId;
    use proptest::prelude::*;
    use uuid::Uuid;

    fn sealed(key: &SigningKey) -> AuditSeal {
        let (team, at) = (TeamId::from_uuid(Uuid::from_u128(1)), Timestamp::from_micros(1));
        AuditSeal::over(team, None, &[Sha256Digest::ZERO], at).expect("a line").signed(key)
    }

    fn ring_of(key: &SigningKey) -> KeyRing {
        [key.public(Timestamp::from_micros(1))].into_iter().collect()
    }

    proptest! {
        #[test]
        fn a_seal_is_signed_by_its_key_and_by_no_other(one in any::<[u8; 32]>(), other in any::<[u8; 32]>(), bit in 0_usize..512) {
            prop_assume!(one != other);
            let (one, other) = (SigningKey::from_seed(one), SigningKey::from_seed(other));
            let seal = sealed(&one);
            prop_assert_eq!(ring_of(&one).check(&seal), Ok(()));
            prop_assert_eq!(ring_of(&other).check(&seal), Err(AuditFault::KeyUnknown));
            let stolen = AuditSeal { key_id: Some(other.id()), ..seal.clone() };
            prop_assert_eq!(ring_of(&other).check(&stolen), Err(AuditFault::SignatureWrong));
            let mut forged = seal;
            if let Some(signature) = &mut forged.signature {
                signature[bit / 8] ^= 1 << (bit % 8);
            }
            prop_assert_eq!(ring_of(&one).check(&forged), Err(AuditFault::SignatureWrong));
        }
    }

    #[test]
    fn a_seal_without_a_signature_is_not_signed() {
        let key = SigningKey::from_seed([7; 32]);
        let seal = AuditSeal { key_id: None, signature: None, ..sealed(&key) };
        assert_eq!(ring_of(&key).check(&seal), Err(AuditFault::SignatureMissing));
    }

    #[test]
    fn a_key_under_another_keys_name_does_not_count() {
        let (key, thief) = (SigningKey::from_seed([7; 32]), SigningKey::from_seed([8; 32]));
        let disguised = AuditKey { id: key.id(), ..thief.public(Timestamp::from_micros(1)) };
        let ring: KeyRing = [disguised].into_iter().collect();
        let seal = AuditSeal { key_id: Some(key.id()), ..sealed(&thief) };
        assert_eq!(ring.check(&seal), Err(AuditFault::KeyUnknown));
        assert_eq!(
            ring_of(&key).only(&["other".to_owned()]).check(&sealed(&key)),
            Err(AuditFault::KeyUnknown)
        );
    }

    #[test]
    fn a_private_key_is_not_shown() {
        let key = SigningKey::from_seed([7; 32]);
        assert_eq!(format!("{key:?}"), format!("SigningKey({:?})", key.id()));
    }
}
