//! The page that Prometheus reads.

use super::Server;

/// The metrics of a server at a moment.
pub struct Metrics {
    pub page: String,
}

impl Metrics {
    #[track_caller]
    pub fn of(server: &Server) -> Self {
        let answer = reqwest::blocking::get(server.metrics_url()).unwrap();
        Self { page: answer.error_for_status().unwrap().text().unwrap() }
    }

    /// The one number of this name that has all of these labels; 0 if nothing was counted yet.
    #[track_caller]
    pub fn number(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let labels: Vec<_> =
            labels.iter().map(|(label, value)| format!("{label}=\"{value}\"")).collect();
        let matching = |line: &&str| {
            let (series, _) = line.rsplit_once(' ').unwrap();
            let (there, with) = series.split_once('{').unwrap_or((series, ""));
            there == name && labels.iter().all(|label| with.contains(label.as_str()))
        };
        let lines: Vec<_> =
            self.page.lines().filter(|line| !line.starts_with('#')).filter(matching).collect();
        assert!(lines.len() <= 1, "{name} {labels:?} is not one: {lines:#?}");
        lines.first().map_or(0.0, |line| line.rsplit_once(' ').unwrap().1.parse().unwrap())
    }

    /// The names of all metrics, as they are declared.
    pub fn names(&self) -> Vec<&str> {
        let declared = self.page.lines().filter_map(|line| line.strip_prefix("# TYPE "));
        declared.filter_map(|line| line.split(' ').next()).collect()
    }
}
