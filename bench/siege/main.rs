//! The bookstore under siege: what an honest client notices of many hostile ones. `scripts/siege` builds
//! and starts it; `scripts/siege --help` says what it does.

mod answers;
mod arguments;
mod attacks;
mod bars;
mod figures;
mod hostile;
mod latency;
mod report;
mod scarcity;
mod server;
#[allow(dead_code, reason = "the tests use what is left over here")]
mod shapes;
mod shopper;
mod siege;
mod trouble;
mod vitals;
mod wait;

use std::process::ExitCode;

use clap::Parser as _;

use self::arguments::{Arguments, Format};
use self::figures::Figures;
use self::trouble::Trouble;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let shown = siege::lay(&arguments).and_then(|figures| {
        show(&figures, &arguments)?;
        Ok(figures.bars.iter().all(|bar| bar.is_met))
    });
    match shown {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(trouble) => {
            eprintln!("error: {trouble}");
            ExitCode::from(2)
        }
    }
}

fn show(figures: &Figures, arguments: &Arguments) -> Result<(), Trouble> {
    let json = || serde_json::to_string_pretty(figures);
    if let Some(out) = &arguments.out {
        std::fs::write(out, json()? + "\n")?;
    }
    match arguments.format {
        Format::Table => println!("{}", report::tables(figures)),
        Format::Json => println!("{}", json()?),
    }
    Ok(())
}
