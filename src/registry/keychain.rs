//! Where a user's credentials are looked for, and in which order: the files of docker and podman,
//! the helpers that they name, and in GitHub's CI the job's own token.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use tokio::sync::Mutex;
use tokio::time::Instant;

use super::auth_file;
use super::credentials::{Account, Basic, Credentials, Proof};
use super::error::Error;
use super::helper;
use crate::environment::Environment;

/// The registry that takes the token of a job in GitHub's CI.
const GITHUB_REGISTRY: &str = "ghcr.io";

/// The user's credentials for all registries.
pub(super) struct Keychain {
    files: Vec<PathBuf>,
    environment: Environment,
    /// What helpers have said, by their names and the registries: asking them can take seconds.
    asked: Mutex<HashMap<(String, String), Proof>>,
}

impl Keychain {
    /// Credentials are looked for in `files`, in their order; helpers get `environment`.
    pub(super) fn new(files: Vec<PathBuf>, environment: Environment) -> Self {
        Keychain {
            files,
            environment,
            asked: Mutex::default(),
        }
    }

    /// The first credentials that there are for the repository `name` of the registry `domain`.
    pub(super) async fn find(
        &self,
        domain: &str,
        name: &str,
        deadline: Instant,
    ) -> Result<Credentials, Error> {
        for file in &self.files {
            let found = self.find_in(file, domain, name, deadline).await?;
            if !found.is_none() {
                return Ok(found);
            }
        }
        Ok(self.of_github(domain))
    }

    async fn find_in(
        &self,
        file: &Path,
        domain: &str,
        name: &str,
        deadline: Instant,
    ) -> Result<Credentials, Error> {
        let (path, owned) = (file.to_owned(), [domain, name].map(str::to_owned));
        // Reading blocks, and whoever waits for it may have to act upon signals.
        let reading = move || auth_file::read(&path, &owned[0], &owned[1]);
        let read = tokio::task::spawn_blocking(reading).await;
        let Some(found) = read.expect("reading does not panic")? else {
            return Ok(Credentials::none(Account::Anonymous));
        };
        if let Some(helper) = found.helper {
            let proof = self.ask(&helper, domain, deadline).await?;
            if !matches!(proof, Proof::None) {
                let account = Account::Helper(helper);
                return Ok(Credentials { account, proof });
            }
        }
        Ok(match found.stored {
            Proof::None => Credentials::none(Account::Anonymous),
            proof => Credentials {
                account: Account::User,
                proof,
            },
        })
    }

    /// Asks a helper once, however many images there are.
    async fn ask(&self, name: &str, domain: &str, deadline: Instant) -> Result<Proof, Error> {
        let mut asked = self.asked.lock().await;
        let key = (name.to_owned(), domain.to_owned());
        if let Some(proof) = asked.get(&key) {
            return Ok(proof.clone());
        }
        let answer = helper::ask(name, domain, &self.environment, deadline).await;
        let proof = answer.map_err(|cause| Error::Helper {
            name: name.to_owned(),
            registry: domain.to_owned(),
            cause,
        })?;
        asked.insert(key, proof.clone());
        Ok(proof)
    }

    fn of_github(&self, domain: &str) -> Credentials {
        let text = |name| self.environment.text(name).ok().flatten();
        let is_job = domain == GITHUB_REGISTRY && text("GITHUB_ACTIONS") == Some("true");
        match text("GITHUB_TOKEN").filter(|_| is_job) {
            None => Credentials::none(Account::Anonymous),
            Some(token) => Credentials {
                account: Account::Github,
                proof: Proof::Basic(Basic {
                    username: text("GITHUB_ACTOR").unwrap_or("x-access-token").to_owned(),
                    password: token.to_owned(),
                }),
            },
        }
    }
}

/// The files in which credentials are looked for, in their order: the one that `REGISTRY_AUTH_FILE`
/// names, docker's config.json, and podman's auth.json of the session and of the user.
pub(super) fn files(environment: &Environment, user: u32) -> Vec<PathBuf> {
    let path = |name| {
        let value = environment.get(name).filter(|value| !value.is_empty());
        value.map(PathBuf::from)
    };
    let home = path("HOME");
    let in_home = |name: &str| home.as_ref().map(|home| home.join(name));
    let docker = path("DOCKER_CONFIG").or_else(|| in_home(".docker"));
    let session =
        path("XDG_RUNTIME_DIR").unwrap_or_else(|| format!("/run/containers/{user}").into());
    // Without a session's folder podman leaves out its own name.
    let session = match path("XDG_RUNTIME_DIR") {
        Some(_) => session.join("containers/auth.json"),
        None => session.join("auth.json"),
    };
    let own = path("XDG_CONFIG_HOME").or_else(|| in_home(".config"));
    let files = [
        path("REGISTRY_AUTH_FILE"),
        docker.map(|folder| folder.join("config.json")),
        Some(session),
        own.map(|folder| folder.join("containers/auth.json")),
    ];
    files.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;
    use std::time::Duration;

    use tokio::time::Instant;

    use super::{Account, Credentials, Environment, Keychain, files};
    use crate::registry::helper::tests::write_helper;

    fn names(variables: &[(&str, &str)]) -> Vec<String> {
        let environment: Environment = variables.iter().copied().collect();
        let files = files(&environment, 1000);
        files.iter().map(|f| f.display().to_string()).collect()
    }

    #[test]
    fn files_are_those_of_docker_and_podman() {
        assert_eq!(names(&[]), ["/run/containers/1000/auth.json"]);
        assert_eq!(
            names(&[
                ("HOME", "/h"),
                ("DOCKER_CONFIG", ""),
                ("XDG_RUNTIME_DIR", "/r")
            ]),
            [
                "/h/.docker/config.json",
                "/r/containers/auth.json",
                "/h/.config/containers/auth.json"
            ]
        );
        assert_eq!(
            names(&[
                ("HOME", "/h"),
                ("DOCKER_CONFIG", "/d"),
                ("REGISTRY_AUTH_FILE", "/f.json"),
                ("XDG_RUNTIME_DIR", "/r"),
                ("XDG_CONFIG_HOME", "/c"),
            ]),
            [
                "/f.json",
                "/d/config.json",
                "/r/containers/auth.json",
                "/c/containers/auth.json"
            ]
        );
    }

    async fn find(keychain: &Keychain, domain: &str) -> Credentials {
        let deadline = Instant::now() + Duration::from_secs(60);
        keychain.find(domain, "acme/app", deadline).await.unwrap()
    }

    fn write(path: &Path, text: &str) {
        fs::write(path, text).unwrap();
    }

    #[tokio::test]
    async fn the_first_file_that_has_something_counts() {
        let folder = tempfile::tempdir().unwrap();
        let [first, second] = ["a.json", "b.json"].map(|name| folder.path().join(name));
        let entry = |user: &str| {
            format!(r#"{{"auths": {{"ghcr.io": {{"username": "{user}", "password": "p"}}}}}}"#)
        };
        let files = vec![folder.path().join("missing"), first.clone(), second.clone()];
        let keychain = Keychain::new(files, Environment::default());
        assert_eq!(find(&keychain, "ghcr.io").await.account, Account::Anonymous);
        write(&second, &entry("second"));
        write(
            &first,
            r#"{"auths": {"quay.io": {"username": "u", "password": "p"}}}"#,
        );
        let found = find(&keychain, "ghcr.io").await;
        assert_eq!(found.basic().unwrap().username, "second");
        write(&first, &entry("first"));
        let found = find(&keychain, "ghcr.io").await;
        assert_eq!(found.basic().unwrap().username, "first");
    }

    #[tokio::test]
    async fn a_helper_is_asked_once_and_before_the_file_that_names_it() {
        let folder = tempfile::tempdir().unwrap();
        let script = "read -r registry\necho $registry >>\"$FOLDER/log\"\n\
            [ $registry = ghcr.io ] && echo '{\"Username\":\"helped\",\"Secret\":\"s\"}' && exit\n\
            echo credentials not found in native keychain; exit 1";
        let environment = write_helper(folder.path(), script);
        let file = folder.path().join("config.json");
        let user = r#"{"username": "stored", "password": "p"}"#;
        write(
            &file,
            &format!(
                r#"{{"auths": {{"ghcr.io": {user}, "quay.io": {user}}}, "credsStore": "test"}}"#
            ),
        );
        let keychain = Keychain::new(vec![file], environment);
        for _ in 0..2 {
            let found = find(&keychain, "ghcr.io").await;
            assert_eq!(found.account, Account::Helper("test".to_owned()));
            let found = find(&keychain, "quay.io").await;
            assert_eq!(found.account, Account::User);
        }
        let log = fs::read_to_string(folder.path().join("log")).unwrap();
        assert_eq!(log, "ghcr.io\nquay.io\n");
    }

    #[tokio::test]
    async fn the_token_of_a_job_is_for_ghcr_io_where_nothing_else_is_configured() {
        let job = [
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_TOKEN", "t"),
            ("GITHUB_ACTOR", "a"),
        ];
        let account = async |domain: &str, variables: &[(&str, &str)]| {
            let environment = variables.iter().copied().collect();
            find(&Keychain::new(Vec::new(), environment), domain)
                .await
                .account
        };
        assert_eq!(account("ghcr.io", &job).await, Account::Github);
        assert_eq!(account("ghcr.io", &job[1..]).await, Account::Anonymous);
        assert_eq!(account("ghcr.io", &job[..1]).await, Account::Anonymous);
        for other in ["docker.io", "ghcr.io:444", "ghcr.io.evil.io"] {
            assert_eq!(account(other, &job).await, Account::Anonymous, "{other}");
        }
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.json");
        write(
            &file,
            r#"{"auths": {"ghcr.io": {"username": "u", "password": "p"}}}"#,
        );
        let keychain = Keychain::new(vec![file], job.into_iter().collect());
        assert_eq!(find(&keychain, "ghcr.io").await.account, Account::User);
    }
}
