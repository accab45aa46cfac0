//! Where a value lies in a chart. Across, charts measure in percent, so that they follow the page's
//! width and the text keeps its size; down, in pixels.

/// A logarithmic axis.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Logarithmic {
    low: f64,
    high: f64,
}

impl Logarithmic {
    /// From the smallest to the largest of `values`, exactly.
    pub(super) fn over(values: impl Iterator<Item = f64> + Clone) -> Self {
        let low = values.clone().fold(f64::INFINITY, f64::min);
        Self { low, high: values.fold(low, f64::max) }
    }

    /// Whole decades around `values`; what is below 1 counts as 1.
    pub(super) fn decades(values: impl Iterator<Item = f64> + Clone) -> Self {
        let around = Self::over(values.map(|value| value.max(1.0)));
        let low = 10_f64.powf(around.low.log10().floor());
        let high = 10_f64.powf(around.high.log10().ceil());
        Self { low, high: high.max(low * 10.0) }
    }

    /// From 0 at the low end to 1 at the high end; what is outside is at the end.
    pub(super) fn share(self, value: f64) -> f64 {
        if self.low >= self.high {
            return 0.5;
        }
        ((value.max(self.low) / self.low).ln() / (self.high / self.low).ln()).min(1.0)
    }

    /// The powers of ten on it.
    pub(super) fn powers_of_ten(self) -> impl Iterator<Item = f64> {
        std::iter::successors(Some(self.low), |line| Some(line * 10.0))
            .take_while(move |line| *line <= self.high * 1.001)
    }
}

/// A share of the width, for an attribute.
pub(super) fn percent(share: f64) -> String {
    format!("{:.2}%", share * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decade_is_as_long_as_the_next() {
        let axis = Logarithmic::decades([30.0, 2_500.0].into_iter());
        assert_eq!(axis.powers_of_ten().collect::<Vec<_>>(), [10.0, 100.0, 1_000.0, 10_000.0]);
        assert!((axis.share(100.0) - 1.0 / 3.0).abs() < 1e-9);
        assert!((axis.share(1_000.0) - 2.0 / 3.0).abs() < 1e-9);
    }

    #[test]
    fn nothing_and_one_value_have_a_place_too() {
        let axis = Logarithmic::decades([0.0].into_iter());
        assert_eq!((axis.share(0.0), axis.share(10.0)), (0.0, 1.0));
        assert_eq!(Logarithmic::over([8.0].into_iter()).share(8.0), 0.5);
    }
}
