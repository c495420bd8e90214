//! Power cuts: what was not synced is gone. `power.c` stands between SQLite and the disk.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::killer::{self, Killer, Service};

const LIVES: usize = 60;
const ORDERS: usize = 8_000;

struct Disk {
    below: PathBuf,
    files: PathBuf,
    shadow: PathBuf,
    layer: PathBuf,
}

impl Disk {
    fn new() -> Disk {
        let below = killer::folder();
        let (files, shadow, layer) = (
            below.join("files"),
            below.join("shadow"),
            below.join("power.so"),
        );
        fs::create_dir(&files).unwrap();
        fs::create_dir(&shadow).unwrap();
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/crash/power.c");
        let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".into());
        let compiled = Command::new(compiler)
            .args(["-O1", "-Wall", "-Werror", "-shared", "-fPIC", "-o"])
            .arg(&layer)
            .arg(source)
            .arg("-ldl")
            .status();
        assert!(compiled.unwrap().success(), "power.c does not compile");
        Disk {
            below,
            files,
            shadow,
            layer,
        }
    }

    fn url(&self) -> String {
        format!("sqlite:{}", self.files.join("pay.db").display())
    }

    fn environment(&self, faults: &[(&'static str, u64)]) -> Vec<(&'static str, String)> {
        let text = |path: &Path| path.display().to_string();
        let mut all = vec![
            ("LD_PRELOAD", text(&self.layer)),
            ("PAYSEAL_POWER_FOLDER", text(&self.files)),
            ("PAYSEAL_POWER_SHADOW", text(&self.shadow)),
        ];
        all.extend(
            faults
                .iter()
                .map(|(name, every)| (*name, every.to_string())),
        );
        all
    }

    /// All that is there is on the disk.
    fn sync_all(&self) {
        copy(&self.files, &self.shadow);
    }

    fn cut_power(&self) {
        fs::remove_dir_all(&self.files).unwrap();
        fs::create_dir(&self.files).unwrap();
        for file in ["pay.db", "pay.db-wal"] {
            let _ = fs::remove_file(self.shadow.join(format!("{file}.notes")));
            if self.shadow.join(file).exists() {
                fs::copy(self.shadow.join(file), self.files.join(file)).unwrap();
            }
        }
    }

    /// What was acknowledged and is not there, looked for in a copy.
    fn lost(&self, killer: &Killer) -> Vec<String> {
        let copied = self.below.join("copy");
        fs::create_dir(&copied).unwrap();
        copy(&self.files, &copied);
        let lost = killer.lost_in(&format!("sqlite:{}", copied.join("pay.db").display()));
        fs::remove_dir_all(&copied).unwrap();
        lost
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.below);
    }
}

fn copy(from: &Path, to: &Path) {
    for file in ["pay.db", "pay.db-wal"] {
        if from.join(file).exists() {
            fs::copy(from.join(file), to.join(file)).unwrap();
        }
    }
}

/// Lives that end by a kill, every other with a power cut. What was lost at the first cut that lost anything, and how many cuts there were.
fn lives(faults: impl Fn(usize) -> Vec<(&'static str, u64)>) -> (Vec<String>, usize, usize) {
    let disk = Disk::new();
    let mut killer = Killer::new(&disk.url());
    killer.accepts_only();
    killer.place(0..ORDERS);
    disk.sync_all();
    let mut cuts = 0;
    for life in 0..LIVES {
        let mut service = Service::start(&killer.told, &disk.environment(&faults(life)));
        if killer.ready(&mut service) {
            let lasts = Duration::from_millis(20 + killer.within(80));
            killer.talk(&mut service, lasts, 100);
        }
        service.kill();
        killer.drain(&service);
        if life % 2 == 1 {
            disk.cut_power();
            cuts += 1;
            let lost = disk.lost(&killer);
            if !lost.is_empty() {
                return (lost, cuts, killer.journal.len());
            }
        }
    }
    (Vec::new(), cuts, killer.journal.len())
}

#[test]
fn what_was_acknowledged_survives_power_cuts_full_disks_and_syncs_that_fail() {
    let (lost, cuts, acknowledged) = lives(|life| match life % 4 {
        0 => vec![],
        1 => vec![("PAYSEAL_POWER_SYNC_FAILS", 5)],
        2 => vec![("PAYSEAL_POWER_SYNC_FAILS", 3)],
        _ => vec![("PAYSEAL_POWER_FULL", 40)],
    });
    assert!(
        lost.is_empty(),
        "acknowledged and lost after {cuts} power cuts: {lost:?}"
    );
    assert!(
        acknowledged > LIVES,
        "too little was acknowledged: {acknowledged}"
    );
    killer::say!("{LIVES} kills, {cuts} power cuts, {acknowledged} acknowledged, 0 lost");
}

#[test]
fn a_disk_that_does_not_sync_is_noticed() {
    let (lost, _, _) = lives(|_| vec![("PAYSEAL_POWER_LIES", 1)]);
    assert!(!lost.is_empty());
}

#[test]
fn a_repetition_is_acknowledged_once_the_first_is_on_the_disk() {
    for nth in 1..=4 {
        let disk = Disk::new();
        let mut killer = Killer::new(&disk.url());
        killer.accepts_only();
        killer.place(0..20);
        disk.sync_all();
        // Written and not synced: found again, for the kernel has it, and a repetition then.
        for dies in [vec![("PAYSEAL_POWER_DIES", nth)], vec![]] {
            let mut service = Service::start(&killer.told, &disk.environment(&dies));
            if killer.ready(&mut service) {
                let new = usize::from(!dies.is_empty());
                killer.talk(&mut service, Duration::from_secs(5), new);
            }
            service.kill();
            killer.drain(&service);
        }
        disk.cut_power();
        let lost = disk.lost(&killer);
        assert!(
            lost.is_empty(),
            "sync {nth}: acknowledged and lost: {lost:?}"
        );
    }
}
