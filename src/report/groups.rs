//! What an engine prints in a job of GitHub Actions: folded, and kept from steering the job.
//!
//! The runner acts upon lines of the log: on `::COMMAND::` at the beginning of one, behind blanks as well,
//! and on `##[COMMAND]` anywhere in one (actions/runner, `ActionCommand.cs`). A build prints what it likes,
//! so between `::stop-commands::TOKEN` and `::TOKEN::` the runner is told not to. Nobody who prints can know
//! the token, for nobody reads the log of a job under way.

/// The groups of a run, one after the other.
#[derive(Debug)]
pub struct Groups {
    token: String,
    /// The title of the one that is open.
    open: Option<String>,
}

impl Groups {
    /// `token` is a word that nobody can guess, and no command.
    pub fn new(token: String) -> Self {
        Groups { token, open: None }
    }

    /// Puts an engine's lines into the group of this title.
    pub(super) fn fold(&mut self, title: String, lines: Vec<String>) -> Vec<String> {
        let mut folded = Vec::new();
        if self.open.as_ref() != Some(&title) {
            folded = self.close();
            folded.push(format!("::group::{title}"));
            folded.push(format!("::stop-commands::{}", self.token));
            self.open = Some(title);
        }
        folded.extend(lines);
        folded
    }

    /// Puts lines of fp's own behind the group, which they end.
    pub(super) fn interrupt(&mut self, lines: &[String]) -> Vec<String> {
        if lines.is_empty() {
            return Vec::new();
        }
        let mut told = self.close();
        told.extend(lines.iter().map(|line| without_commands(line)));
        told
    }

    /// Ends the group, if one is open.
    pub(super) fn close(&mut self) -> Vec<String> {
        match self.open.take() {
            None => Vec::new(),
            Some(_) => vec![format!("::{}::", self.token), "::endgroup::".to_owned()],
        }
    }
}

/// A text of fp's own, with foreign words in it, in which the runner finds no command. No line of it begins
/// with a foreign word.
pub fn without_commands(text: &str) -> String {
    text.replace("##[", "## [")
}

#[cfg(test)]
mod tests {
    use super::{Groups, without_commands};

    #[test]
    fn a_title_opens_a_group_and_another_one_the_next() {
        let mut groups = Groups::new("t".to_owned());
        let mut fold =
            |title: &str, line: &str| groups.fold(title.to_owned(), vec![line.to_owned()]);
        let told = [
            fold("ci: building", "  ::error::a"),
            fold("ci: building", "  b"),
            fold("ci: publishing", "  c"),
            groups.close(),
            groups.close(),
        ];
        assert_eq!(
            told.concat(),
            [
                "::group::ci: building",
                "::stop-commands::t",
                "  ::error::a",
                "  b",
                "::t::",
                "::endgroup::",
                "::group::ci: publishing",
                "::stop-commands::t",
                "  c",
                "::t::",
                "::endgroup::",
            ]
        );
    }

    #[test]
    fn no_command_is_left_in_a_text() {
        let text = "error: it said: ##[add-mask]e ###[group]";
        assert_eq!(
            without_commands(text),
            "error: it said: ## [add-mask]e ### [group]"
        );
    }
}
