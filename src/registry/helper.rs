//! Credential helpers: programs called `docker-credential-NAME` that have the credentials which
//! docker's and podman's files leave to them.
//!
//! The protocol is that of docker's credential helpers: `get`, the registry on stdin, a JSON object
//! on stdout. What a helper says when it succeeds is shown to nobody.

use std::ffi::OsStr;
use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use serde::Deserialize;
use thiserror::Error;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout_at};

use super::auth_file::DOCKER_HUB_KEY;
use super::credentials::{Proof, Secret};
use super::words::bounded;
use crate::environment::Environment;

/// How long a helper may take. Some ask a cloud's own servers for a token.
const LIMIT: Duration = Duration::from_secs(15);

/// How much of its output is read; a token has some kilobytes.
const MAX_OUTPUT: u64 = 256 << 10;

/// The user name with which a helper says that the secret is an identity token.
const TOKEN_USER: &str = "<token>";

/// Why a helper gave no answer.
#[derive(Debug, Error)]
pub enum HelperProblem {
    #[error("the program was not found")]
    NotFound,
    #[error("it could not be run")]
    Run(#[source] io::Error),
    #[error("it did not answer in time")]
    TimedOut,
    #[error("it ended with {status}: {said}")]
    Failed { status: ExitStatus, said: String },
    #[error("its answer is not that of a credential helper")]
    Answer,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    username: String,
    secret: String,
}

/// Asks the helper called `name` for what it has for a registry, until `deadline` at the latest.
pub(super) async fn ask(
    name: &str,
    domain: &str,
    environment: &Environment,
    deadline: Instant,
) -> Result<Proof, HelperProblem> {
    if name.contains('/') {
        return Err(HelperProblem::NotFound);
    }
    let registry = match domain {
        "docker.io" => DOCKER_HUB_KEY,
        domain => domain,
    };
    let mut group = Group::spawn(name, environment)?;
    let deadline = deadline.min(Instant::now() + LIMIT);
    let answered = timeout_at(deadline, group.answer_to(registry)).await;
    let (status, output) = answered
        .map_err(|_| HelperProblem::TimedOut)?
        .map_err(HelperProblem::Run)?;
    let text = String::from_utf8_lossy(&output);
    match status.success() {
        true => proof(&output),
        // The words of docker's own library for them, with which all helpers answer.
        false if text.contains("credentials not found") => Ok(Proof::None),
        false => Err(HelperProblem::Failed {
            status,
            said: bounded(text.trim()),
        }),
    }
}

fn proof(output: &[u8]) -> Result<Proof, HelperProblem> {
    // The parser's own message would quote the answer.
    let answer: Answer = serde_json::from_slice(output).map_err(|_| HelperProblem::Answer)?;
    Ok(match answer.username.as_str() {
        TOKEN_USER => Proof::IdentityToken(Secret(answer.secret)),
        _ => Proof::of_user(answer.username, answer.secret),
    })
}

/// A helper and the process group that it leads, none of which outlives this.
struct Group {
    leader: Child,
    id: Pid,
}

impl Group {
    fn spawn(name: &str, environment: &Environment) -> Result<Self, HelperProblem> {
        let variables = environment.iter();
        let leader = Command::new(format!("docker-credential-{name}"))
            .arg("get")
            .env_clear()
            .envs(variables.map(|(name, value)| (name, OsStr::new(value))))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| match error.kind() {
                io::ErrorKind::NotFound => HelperProblem::NotFound,
                _ => HelperProblem::Run(error),
            })?;
        let id = leader
            .id()
            .and_then(|id| Pid::from_raw(id.cast_signed()))
            .expect("a child that was not waited for has an id");
        Ok(Group { leader, id })
    }

    async fn answer_to(&mut self, registry: &str) -> io::Result<(ExitStatus, Vec<u8>)> {
        let mut stdin = self.leader.stdin.take().expect("stdin is a pipe");
        // A helper that answers without reading closes it, which is no failure.
        let _ = stdin.write_all(format!("{registry}\n").as_bytes()).await;
        drop(stdin);
        let mut output = Vec::new();
        let stdout = self.leader.stdout.take().expect("stdout is a pipe");
        stdout.take(MAX_OUTPUT).read_to_end(&mut output).await?;
        // What it left behind is killed before it is reaped: until then nobody else can get its id.
        while !self.leader_has_exited()? {
            sleep(Duration::from_millis(1)).await;
        }
        self.kill();
        Ok((self.leader.wait().await?, output))
    }

    fn leader_has_exited(&self) -> io::Result<bool> {
        let look_only = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        Ok(waitid(WaitId::Pid(self.id), look_only)?.is_some())
    }

    fn kill(&self) {
        // The only possible failure is that nobody is left to get it.
        let _ = kill_process_group(self.id, Signal::KILL);
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let is_reaped = self.leader.id().is_none();
        if !is_reaped {
            self.kill();
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::fs;
    use std::path::Path;
    use std::process::Command;
    use std::time::Duration;

    use tempfile::TempDir;
    use tokio::time::Instant;

    use super::{HelperProblem, Proof, ask};
    use crate::environment::Environment;

    /// Writes a helper called `test` into `folder`, and returns an environment that leads there.
    ///
    /// Another program writes it: a child that another test starts at this moment would inherit a
    /// file that is open for writing here, and such a file cannot be run.
    pub(in crate::registry) fn write_helper(folder: &Path, script: &str) -> Environment {
        let program = folder.join("docker-credential-test");
        let write = r#"printf '#!/bin/sh\n%s\n' "$1" >"$2" && chmod 755 "$2""#;
        let mut shell = Command::new("sh");
        let shell = shell.args(["-c", write, "sh", script]).arg(program);
        assert!(shell.status().unwrap().success());
        let folder = folder.display().to_string();
        let variables = [
            ("PATH", format!("{folder}:/usr/bin:/bin")),
            ("FOLDER", folder),
        ];
        variables.into_iter().collect()
    }

    fn helper(script: &str) -> (TempDir, Environment) {
        let folder = tempfile::tempdir().unwrap();
        let environment = write_helper(folder.path(), script);
        (folder, environment)
    }

    async fn answer(script: &str) -> Result<Proof, HelperProblem> {
        let (_folder, environment) = helper(script);
        let deadline = Instant::now() + Duration::from_secs(60);
        ask("test", "ghcr.io", &environment, deadline).await
    }

    #[tokio::test]
    async fn a_helper_gives_a_user_or_a_token() {
        let script = r#"[ "$1" = get ] && read -r registry && printf '{"ServerURL":"%s","Username":"user","Secret":"%s"}' "$registry" "$registry""#;
        let proof = answer(script).await.unwrap();
        assert!(
            matches!(&proof, Proof::Basic(basic) if basic.username == "user" && basic.password == "ghcr.io")
        );
        let token = r#"echo '{"ServerURL":"x","Username":"<token>","Secret":"t"}'"#;
        let proof = answer(token).await.unwrap();
        assert!(matches!(&proof, Proof::IdentityToken(token) if token.0 == "t"));
    }

    #[tokio::test]
    async fn a_helper_without_credentials_is_no_failure() {
        let script = "echo 'credentials not found in native keychain'; exit 1";
        assert!(matches!(answer(script).await, Ok(Proof::None)));
        let empty = r#"echo '{"ServerURL":"","Username":"","Secret":""}'"#;
        assert!(matches!(answer(empty).await, Ok(Proof::None)));
    }

    #[tokio::test]
    async fn what_a_helper_says_is_told_only_if_it_fails() {
        let error = answer("echo 'locked \u{1b}[31m'; exit 2")
            .await
            .unwrap_err();
        let told = error.to_string();
        assert!(
            told.contains(r"exit status: 2: locked \u{1b}[31m"),
            "{told}"
        );
        let error = answer("echo hunter2").await.unwrap_err();
        let told = format!("{error} {error:?}");
        assert!(matches!(error, HelperProblem::Answer), "{told}");
        assert!(!told.contains("hunter2"));
    }

    #[tokio::test]
    async fn a_missing_helper_is_told() {
        let environment: Environment = [("PATH", "/usr/bin:/bin")].into_iter().collect();
        let deadline = Instant::now() + Duration::from_secs(60);
        for name in ["nonesuch", "../../bin/true"] {
            let error = ask(name, "ghcr.io", &environment, deadline).await;
            assert!(matches!(error, Err(HelperProblem::NotFound)), "{error:?}");
        }
    }

    /// A desktop's helper may wait for somebody to type a password.
    #[tokio::test]
    async fn a_helper_that_hangs_is_ended_with_its_children() {
        let (folder, environment) = helper("sleep 600 & echo $! >\"$FOLDER/child\"; wait");
        let deadline = Instant::now() + Duration::from_millis(500);
        let error = ask("test", "ghcr.io", &environment, deadline).await;
        assert!(matches!(error, Err(HelperProblem::TimedOut)), "{error:?}");
        let child = fs::read_to_string(folder.path().join("child")).unwrap();
        let state = format!("/proc/{}/stat", child.trim());
        let is_gone = || fs::read_to_string(&state).map_or(true, |stat| stat.contains(" Z "));
        let end = Instant::now() + Duration::from_secs(10);
        while !is_gone() {
            assert!(Instant::now() < end, "the child lives");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    #[tokio::test]
    async fn what_a_helper_leaves_running_keeps_nobody_waiting() {
        let script = r#"sleep 600 >/dev/null & echo '{"Username":"u","Secret":"s"}'"#;
        let begin = Instant::now();
        assert!(matches!(answer(script).await, Ok(Proof::Basic(_))));
        assert!(begin.elapsed() < Duration::from_secs(10));
    }
}
