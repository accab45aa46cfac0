//! From functions to trials: every scenario once on every backend.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};

use libtest_mimic::{Failed, Trial};

use super::{Backend, Missing, Shop, reach, variable};

/// Whether a scenario failed where `BOOKSTORE_TEST_STOP_AT_FAILURE` is set: no other one need begin.
static IS_DECIDED: AtomicBool = AtomicBool::new(false);

/// What a scenario starts from.
#[derive(Clone, Copy)]
pub enum Start {
    /// An open shop. Its ledger is audited when the scenario is over.
    Shop(fn(&Shop)),
    /// An open shop that the scenario damages on purpose: no audit.
    DamagedShop(fn(&Shop)),
    /// Nothing but a kind of database.
    Nothing(fn(Backend)),
}

#[derive(Clone, Copy)]
pub struct Scenario {
    pub name: &'static str,
    pub start: Start,
    /// The backends on which it means something.
    pub backends: &'static [Backend],
}

/// Lists scenarios by the names of their functions:
/// `scenarios![Shop on Backend::ALL: a, b; Nothing on Backend::SERVERS: c]`.
#[macro_export]
macro_rules! scenarios {
    ($($start:ident on $backends:path: $($name:ident),+ $(,)?);+ $(;)?) => {
        &[$($($crate::kit::Scenario {
            name: stringify!($name),
            start: $crate::kit::Start::$start($name),
            backends: $backends,
        }),+),+]
    };
}

/// Scenarios about one thing, and what they need besides a database.
pub struct Theme {
    name: &'static str,
    scenarios: &'static [Scenario],
    pub missing: fn() -> Option<Missing>,
}

impl Theme {
    pub const fn new(name: &'static str, scenarios: &'static [Scenario]) -> Self {
        Self { name, scenarios, missing: || None }
    }

    /// The same, with something that may be missing.
    pub const fn with(self, missing: fn() -> Option<Missing>) -> Self {
        Self { missing, ..self }
    }

    pub fn trials(&self, backend: Backend) -> impl Iterator<Item = Trial> {
        let (theme, what) = (self.name, self.missing);
        let missing = move || backend.missing().or_else(what);
        let is_left_out = missing().is_some_and(|missing| !missing.is_failure());
        let here =
            self.scenarios.iter().filter(move |scenario| scenario.backends.contains(&backend));
        here.map(move |scenario| {
            let name = format!("{backend}::{theme}::{}", scenario.name);
            let its_name = name.clone();
            let act = move || match missing() {
                Some(missing) => Err(missing.what.into()),
                None => reach::of(&its_name, || run(*scenario, backend)),
            };
            Trial::test(name, act).with_kind(backend.name()).with_ignored_flag(is_left_out)
        })
    }
}

fn run(scenario: Scenario, backend: Backend) -> Result<(), Failed> {
    if IS_DECIDED.load(Ordering::Relaxed) {
        return Err("not begun: another one had failed".into());
    }
    let outcome = play(scenario, backend);
    if outcome.is_err() && variable("BOOKSTORE_TEST_STOP_AT_FAILURE").is_some() {
        IS_DECIDED.store(true, Ordering::Relaxed);
    }
    outcome
}

fn play(scenario: Scenario, backend: Backend) -> Result<(), Failed> {
    let (act, is_audited) = match scenario.start {
        Start::Nothing(act) => return caught(|| act(backend)).map_err(Failed::from),
        Start::Shop(act) => (act, true),
        Start::DamagedShop(act) => (act, false),
    };
    let shop = Shop::open(backend);
    let outcome = caught(|| {
        act(&shop);
        shop.keeps_secrets();
        if is_audited {
            shop.audit();
        }
    });
    outcome.map_err(|message| format!("{message}\n{}", shop.logs()).into())
}

fn caught(act: impl FnOnce()) -> Result<(), String> {
    catch_unwind(AssertUnwindSafe(act)).map_err(|panic| {
        let words = panic.downcast_ref::<&str>().map(|words| (*words).to_owned());
        words.or_else(|| panic.downcast_ref().cloned()).unwrap_or_else(|| "a panic".to_owned())
    })
}
