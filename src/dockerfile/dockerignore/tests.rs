use super::Dockerignore;

#[test]
fn oracle() {
    let cases = std::fs::read_to_string("/tmp/gopm/cases").unwrap();
    let unhex = |hex: &str| -> Vec<u8> {
        (0..hex.len() / 2)
            .map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap())
            .collect()
    };
    let mut out = String::new();
    for line in cases.lines() {
        let (file, paths) = line.split_once('\t').unwrap();
        match Dockerignore::parse(&unhex(file)) {
            Err(error) => {
                let source = std::error::Error::source(&error)
                    .map(|s| s.to_string())
                    .unwrap_or_default();
                out += &format!(
                    "E:{} {source}\n",
                    error.to_string().replace(['\n', '\r'], "~")
                );
            }
            Ok(rules) => {
                out += "R:";
                for path in paths.split(',') {
                    out += if rules.excludes(&unhex(path)) {
                        "1"
                    } else {
                        "0"
                    };
                }
                out += "\n";
            }
        }
    }
    std::fs::write("/tmp/gopm/ours", out).unwrap();
}
