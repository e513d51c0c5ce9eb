//! Disks, partitions and file systems.

use super::{job::Job, options::PLAIN};
use crate::{effect::Class, text::Text};

/// `mkfs`, `mke2fs`, `mkswap` and their kin.
pub(super) fn make_filesystem(job: &mut Job<'_, '_>) {
    if is_help(job) {
        return;
    }
    job.class(Class::MakeFilesystem, format!("{} makes a file system", job.name()));
}

/// Tools that can empty a disk, when they are told to.
pub(super) fn format(job: &mut Job<'_, '_>) {
    let said: Vec<String> = job.arguments().iter().map(Text::masked).collect();
    let has = |words: &[&str]| said.iter().any(|said| words.contains(&said.as_str()));
    let erases = match job.name() {
        "wipefs" => {
            has(&["-a", "--all", "-af", "-fa", "-o", "--offset"])
                || said.iter().any(|word| word.starts_with("-o"))
        }
        "sgdisk" => said.iter().any(|word| {
            ["-Z", "-z", "-o", "--zap", "--clear", "-d", "--delete", "-n", "--new"]
                .iter()
                .any(|flag| word.starts_with(flag))
        }),
        "parted" => has(&["mklabel", "mktable", "rm", "mkpart"]),
        "blkdiscard" | "hdparm" => {
            job.name() == "blkdiscard"
                || said.iter().any(|word| word.starts_with("--security-erase") || word.starts_with("--trim"))
        }
        "diskutil" => said.first().is_some_and(|word| {
            let word = word.to_lowercase();
            word.starts_with("erase")
                || matches!(word.as_str(), "partitiondisk" | "zerodisk" | "secureerase" | "reformat")
                || (word == "apfs"
                    && said.get(1).is_some_and(|next| next.to_lowercase().starts_with("delete")))
        }),
        "nvme" => has(&["format", "sanitize"]),
        "cryptsetup" => has(&["luksFormat", "erase", "luksErase", "reencrypt"]),
        "fdisk" | "cfdisk" | "sfdisk" | "gdisk" | "cgdisk" => {
            !has(&["-l", "--list", "-d", "--dump"])
                && job.arguments().iter().any(|word| word.prefix().starts_with("/dev/"))
        }
        "format" => said.iter().any(|word| {
            word.len() >= 2 && word.as_bytes()[1] == b':' && word.as_bytes()[0].is_ascii_alphabetic()
        }),
        "badblocks" => said.iter().any(|word| word.starts_with('-') && word.contains('w')),
        "pvremove" | "vgremove" | "lvremove" | "nwipe" | "scrub" | "sg_format" | "diskpart" => true,
        "zfs" => has(&["destroy"]),
        "bcachefs" => has(&["format"]),
        "dmsetup" => has(&["remove_all", "wipe_table"]),
        "zpool" => has(&["create", "destroy", "labelclear"]),
        "mdadm" => said
            .iter()
            .any(|word| word.contains("create") || word.contains("zero-superblock") || word == "-C"),
        _ => false,
    };
    if erases && !is_help(job) {
        job.class(Class::DiskFormat, format!("{} empties a disk or changes its partitions", job.name()));
    }
}

fn is_help(job: &Job<'_, '_>) -> bool {
    let options = PLAIN.read(job.arguments());
    options.operands.is_empty() && options.has(&["--help", "--version", "-V", "-h"])
        || job.arguments().is_empty()
}
