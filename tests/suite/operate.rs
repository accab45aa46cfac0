//! docs/operate.md holds what it says: the rights it grants are enough and none is too many, instances
//! are restarted one by one under load, tokens are renewed, and schemas are a version apart.

mod restart;
mod rights;
mod schema;
mod tokens;

use std::process::Command;

use crate::kit::{Backend, Missing, Scenario, blocks};
use crate::scenarios;
use restart::{
    a_restart_of_the_only_instance_fails_no_order, a_rolling_restart_under_load_fails_no_order,
};
use rights::{
    no_granted_right_is_one_too_many, the_service_lives_without_the_right_to_change_tables,
};
use schema::{
    a_newer_schema_carries_an_older_program, a_primary_is_found_among_several_addresses,
    a_program_whose_migrations_did_not_run_is_not_ready,
};
use tokens::{a_lost_admin_token_is_replaced, a_storefronts_token_is_renewed};

pub const SCENARIOS: &[Scenario] = scenarios![
    Nothing on Backend::SERVERS:
        the_service_lives_without_the_right_to_change_tables,
        no_granted_right_is_one_too_many;
    Shop on Backend::SERVERS:
        a_rolling_restart_under_load_fails_no_order,
        a_program_whose_migrations_did_not_run_is_not_ready;
    Shop on Backend::EMBEDDED:
        a_restart_of_the_only_instance_fails_no_order;
    Shop on Backend::POSTGRES:
        a_primary_is_found_among_several_addresses;
    Shop on Backend::ALL:
        a_newer_schema_carries_an_older_program,
        a_storefronts_token_is_renewed,
        a_lost_admin_token_is_replaced;
    Nothing on Backend::EMBEDDED:
        every_block_of_code_is_run;
];

pub const DOCUMENT: &str = "docs/operate.md";

/// The programs that come with the databases: what the document has operators run.
pub fn missing() -> Option<Missing> {
    let lacks = |program: &&str| Command::new(program).arg("--version").output().is_err();
    let programs = [
        "bash",
        "psql",
        "pg_dump",
        "pg_restore",
        "createdb",
        "vacuumdb",
        "mariadb",
        "mariadb-dump",
        "sqlite3",
    ];
    let lacking: Vec<_> = programs.into_iter().filter(lacks).collect();
    let what = format!("operate, backup: no {}; install it", lacking.join(", "));
    (!lacking.is_empty()).then_some(Missing { what, is_optional: false })
}

fn every_block_of_code_is_run(_: Backend) {
    let of_servers = ["postgres", "mariadb"].iter().flat_map(|kind| {
        ["roles.sql", "rights.sql", "backup.sh", "restore.sh", "who-has-it.sql"]
            .map(|file| format!("{kind}-{file}"))
    });
    let others = ["sqlite-backup.sh", "sqlite-restore.sh", "holds-after-restore.sql"];
    let run: Vec<String> = of_servers.chain(others.map(str::to_owned)).collect();
    for block in blocks(DOCUMENT) {
        let first = block.code.lines().next().unwrap_or_default();
        let is_run = run.iter().any(|file| first.contains(file.as_str()));
        // Settings of other programs are not run.
        let is_for_others = ["ini", "text"].contains(&block.language.as_str());
        assert!(is_run || is_for_others, "no scenario runs this block:\n{}", block.code);
    }
}
