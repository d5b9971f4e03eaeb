//! Times and sizes, as people read them.

use std::time::Duration;

/// A time that something took: `6.0 s`, `2 min 5 s`, `1 h 2 min`.
pub(super) fn time(time: Duration) -> String {
    // What is told as 60.0 s would be a minute.
    match time.as_secs_f64() {
        seconds if seconds < 59.95 => format!("{seconds:.1} s"),
        seconds => whole(Duration::from_secs_f64(seconds.round())),
    }
}

/// A time that is still running, which changes once a second: `6 s`, `2 min 5 s`.
pub(super) fn elapsed(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..60 => format!("{seconds} s"),
        _ => whole(time),
    }
}

/// A minute or more.
fn whole(time: Duration) -> String {
    let (minutes, seconds) = (time.as_secs() / 60, time.as_secs() % 60);
    match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("{minutes} min {seconds} s"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

/// A number of bytes, in the units that docker uses: `12 B`, `4.2 kB`, `212.4 MB`.
pub(super) fn size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["kB", "MB", "GB", "TB", "PB", "EB"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    // Tenths of the unit, rounded down: nothing is told to be larger than it is.
    let (mut unit, mut tenths) = (0, bytes / 100);
    while tenths >= 10_000 {
        (unit, tenths) = (unit + 1, tenths / 1000);
    }
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{elapsed, size, time};

    #[test]
    fn times_are_as_exact_as_matters() {
        let told = |seconds| time(Duration::from_secs_f64(seconds));
        assert_eq!(told(0.0), "0.0 s");
        assert_eq!(told(6.04), "6.0 s");
        assert_eq!(told(59.94), "59.9 s");
        assert_eq!(told(59.96), "1 min 0 s");
        assert_eq!(told(125.4), "2 min 5 s");
        assert_eq!(told(3725.0), "1 h 2 min");
        assert_eq!(elapsed(Duration::from_millis(59_999)), "59 s");
        assert_eq!(elapsed(Duration::from_secs(60)), "1 min 0 s");
    }

    #[test]
    fn sizes_have_the_unit_that_fits() {
        let sizes = [0, 999, 1000, 999_999, 1_000_000, 212_449_000, u64::MAX];
        let told = sizes.map(size);
        let expected = [
            "0 B", "999 B", "1.0 kB", "999.9 kB", "1.0 MB", "212.4 MB", "18.4 EB",
        ];
        assert_eq!(told, expected);
    }
}
