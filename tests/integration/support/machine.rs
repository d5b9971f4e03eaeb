//! A machine with a user, an engine's program and a project, on which `fp` is run as a process.
//!
//! Whatever `fp` sees is told here: its environment holds nothing of the test's own. The `docker`
//! that it finds writes down what it was asked, can be held at a command, and is the real one
//! otherwise.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tempfile::TempDir;

use super::Tree;
use super::lab::{self, Store};
use super::running::{Answer, Running, wait_until};

/// What a container says when it has said everything.
const LAST_WORDS: &str = "<end>";

pub(crate) struct Machine {
    /// The project.
    pub(crate) tree: Tree,
    folder: TempDir,
    environment: BTreeMap<OsString, OsString>,
    store: Store,
    /// A word that no other machine has, in this run or another.
    pub(crate) unique: String,
}

impl Machine {
    /// With the engine of `store`, and a project whose one image is published to the open registry.
    pub(crate) fn new(store: Store) -> Self {
        let machine = Machine::bare(store);
        let dockerfile = format!("FROM {}\nCOPY . /input\n", lab::base());
        machine.tree.file("Dockerfile", dockerfile);
        machine.tree.file("hello.sh", "#!/bin/sh\necho hello\n");
        machine.configure("");
        machine
    }

    /// With an empty project.
    pub(crate) fn bare(store: Store) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("fp-test-")
            .tempdir()
            .unwrap();
        // Others may have to reach what lies in it.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        for name in ["bin", "docker", "home", "log", "tmp"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let mut machine = Machine {
            tree: Tree::new(),
            environment: BTreeMap::from([("LC_ALL".into(), "C".into())]),
            store,
            unique: unique(),
            folder,
        };
        match store {
            Store::Containerd | Store::Classic => machine.install_docker(),
            Store::Podman => machine.install_podman(),
        }
        let bin = machine.folder("bin");
        machine.set("PATH", format!("{}:/usr/bin:/bin", bin.display()));
        machine.set("HOME", machine.folder("home"));
        machine.set("TMPDIR", machine.folder("tmp"));
        machine.set("DOCKER_CONFIG", machine.folder("docker"));
        machine.set("DOCKER_HOST", store.address());
        machine
    }

    /// Moves to another engine: nothing that the first one has is there.
    pub(crate) fn use_engine(&mut self, store: Store) {
        let is_installed = (store == Store::Podman) == (self.store == Store::Podman);
        self.store = store;
        match store {
            _ if is_installed => {}
            Store::Podman => self.install_podman(),
            Store::Containerd | Store::Classic => self.install_docker(),
        }
        self.set("DOCKER_HOST", store.address());
    }

    /// Whether its engine is podman.
    pub(crate) fn is_podman(&self) -> bool {
        self.store == Store::Podman
    }

    /// Sets a variable of the environment that `fp` gets.
    pub(crate) fn set(&mut self, name: &str, value: impl Into<OsString>) {
        self.environment.insert(name.into(), value.into());
    }

    /// A folder of the machine: `bin`, `docker`, `home`, `log` or `tmp`.
    pub(crate) fn folder(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes fingerprint.toml: one image that takes hello.sh, and whatever `lines` add to it.
    pub(crate) fn configure(&self, lines: &str) {
        let repository = format!("{}/{}", lab::registry().host, self.repository());
        self.configure_for(&repository, "\"hello.sh\"", lines);
    }

    /// Writes fingerprint.toml for other inputs.
    pub(crate) fn configure_inputs(&self, inputs: &str, lines: &str) {
        let repository = format!("{}/{}", lab::registry().host, self.repository());
        self.configure_for(&repository, inputs, lines);
    }

    /// Writes fingerprint.toml for another repository and inputs.
    pub(crate) fn configure_for(&self, repository: &str, inputs: &str, lines: &str) {
        let salt = if lines.contains("salt =") {
            String::new()
        } else {
            self.salt()
        };
        let repository = format!("repository = \"{repository}\"");
        self.tree
            .image(&format!("{repository}\ninputs = [{inputs}]\n{salt}{lines}"));
    }

    /// The line that makes an image this machine's own, so that no two tests make the same one.
    pub(crate) fn salt(&self) -> String {
        format!("salt = \"{}\"\n", self.unique)
    }

    /// The repository of this machine's image, without the registry's host.
    pub(crate) fn repository(&self) -> String {
        format!("test/{}", self.unique)
    }

    /// The tag of this machine's image.
    pub(crate) fn tag(&self) -> String {
        let reference = self.fp(&["ref"]).succeeded();
        let (_, tag) = reference.line().rsplit_once(':').expect("a tag");
        tag.to_owned()
    }

    /// Runs `fp` in the project to its end.
    pub(crate) fn fp(&self, arguments: &[&str]) -> Answer {
        self.start(arguments).finish()
    }

    /// Starts `fp` in the project.
    pub(crate) fn start(&self, arguments: &[&str]) -> Running {
        Running::spawn(self.command(arguments), &self.folder("log"))
    }

    /// `fp` in the project, to be changed before it is started.
    ///
    /// It minds all signals, even if these tests run under `nohup` or in a script's background.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("/usr/bin/env");
        command.args(["--default-signal=HUP,INT", env!("CARGO_BIN_EXE_fp")]);
        command.args(arguments);
        self.prepare(&mut command);
        command
    }

    /// Gives a command the machine's environment and puts it into the project.
    pub(crate) fn prepare(&self, command: &mut Command) {
        command
            .current_dir(self.tree.path(""))
            .env_clear()
            .envs(&self.environment)
            .stdin(Stdio::null());
    }

    /// Asks this machine's engine behind fp's back, and returns what it printed.
    pub(crate) fn docker(&self, arguments: &[&str]) -> String {
        let answer = self.try_docker(arguments);
        assert_eq!(answer.code, Some(0), "{arguments:?}: {}", answer.stderr);
        answer.stdout
    }

    /// As [`docker`](Self::docker), where failing is an answer too.
    pub(crate) fn try_docker(&self, arguments: &[&str]) -> Answer {
        let mut command = Command::new(self.store.program());
        self.prepare(command.args(arguments));
        // Only what leads to the engine: a test may have set what would change its answers.
        let is_needed = |name: &OsStr| {
            let name = name.to_str().unwrap();
            let needed = ["PATH", "HOME", "DOCKER_CONFIG", "DOCKER_HOST"];
            needed.contains(&name) || name.starts_with("CONTAINERS_")
        };
        command.env_clear();
        command.envs(self.environment.iter().filter(|(name, _)| is_needed(name)));
        Running::spawn(command, &self.folder("log")).finish()
    }

    /// Whether the engine has an image of this name.
    pub(crate) fn has_image(&self, reference: &str) -> bool {
        self.try_docker(&["image", "inspect", reference]).code == Some(0)
    }

    /// Takes an image out of the engine, with all names that it has there.
    pub(crate) fn forget(&self, reference: &str) {
        let id = self.docker(&["image", "inspect", "--format", "{{.Id}}", reference]);
        self.docker(&["image", "rm", "--force", id.trim()]);
    }

    /// Runs a command in a container of an image, and returns what it printed.
    ///
    /// On a busy machine docker loses what a container says that ends at once, without telling so.
    /// Hence the last words, and the other attempts.
    pub(crate) fn in_image(&self, reference: &str, script: &str) -> String {
        let script = format!("{script}\nprintf %s '{LAST_WORDS}'");
        let run = [
            "run",
            "--rm",
            "--network=none",
            reference,
            "sh",
            "-ec",
            &script,
        ];
        for _ in 0..5 {
            if let Some(said) = self.docker(&run).strip_suffix(LAST_WORDS) {
                return said.to_owned();
            }
        }
        panic!("{reference} says nothing to {script}")
    }

    /// The commands that `fp` gave to docker so far, each as one line.
    pub(crate) fn docker_log(&self) -> Vec<String> {
        let log = fs::read_to_string(self.folder("log").join("docker")).unwrap_or_default();
        log.lines().map(str::to_owned).collect()
    }

    /// The commands among them that change something.
    pub(crate) fn deeds(&self) -> Vec<String> {
        let is_question = |line: &String| {
            ["version ", "info ", "image inspect ", "buildx version"]
                .iter()
                .any(|start| line.starts_with(start))
        };
        self.docker_log()
            .into_iter()
            .filter(|line| !is_question(line))
            .collect()
    }

    /// How often docker was asked to build, by buildx.
    pub(crate) fn builds(&self) -> usize {
        let log = self.docker_log();
        let builds = log.iter().filter(|line| line.starts_with("buildx build"));
        builds.count()
    }

    /// Forgets what docker was asked.
    pub(crate) fn clear_docker_log(&self) {
        let _ = fs::remove_file(self.folder("log").join("docker"));
    }

    /// Holds every docker command that begins with `words` from now on, until
    /// [`release`](Self::release).
    pub(crate) fn hold(&self, words: &str) {
        File::create(self.hold_file(words)).unwrap();
    }

    /// Waits until docker is held at `words`.
    pub(crate) fn wait_until_held(&self, words: &str) {
        let held = self.hold_file(words).with_extension("held");
        wait_until(&format!("docker is asked for {words}"), || held.exists());
        fs::remove_file(held).unwrap();
    }

    /// Lets docker go on.
    pub(crate) fn release(&self, words: &str) {
        fs::remove_file(self.hold_file(words)).unwrap();
    }

    fn hold_file(&self, words: &str) -> PathBuf {
        self.folder("log")
            .join(format!("hold-{}", words.replace(' ', "-")))
    }

    /// What is left in the folder for temporary files, but for the turns' locks and what a podman that was
    /// ended in the middle of a build leaves there under names of its own.
    pub(crate) fn leftovers(&self) -> Vec<String> {
        fs::read_dir(self.folder("tmp"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .filter(|name| !name.starts_with("fp-turns-"))
            .filter(|name| !self.is_podman() || name.starts_with("fp-"))
            .collect()
    }

    /// The command lines of all processes that were started from this machine's environment and
    /// live.
    pub(crate) fn processes(&self) -> Vec<String> {
        let mark = self.folder("tmp").into_os_string().into_string().unwrap();
        fs::read_dir("/proc")
            .unwrap()
            .filter_map(|entry| {
                let process = entry.ok()?.path();
                let environment = fs::read(process.join("environ")).ok()?;
                let is_ours = String::from_utf8_lossy(&environment).contains(&mark);
                let words = fs::read(process.join("cmdline")).ok().filter(|_| is_ours)?;
                Some(String::from_utf8_lossy(&words).replace('\0', " "))
            })
            .filter(|words| !words.is_empty())
            .collect()
    }

    /// Takes buildx away and puts this `docker` program in the place of the other.
    pub(crate) fn replace_docker(&self, program: &Path) {
        fs::remove_file(self.folder("docker").join("cli-plugins")).unwrap();
        self.wrap("docker", program);
    }

    /// podman with the lab's settings, in its storage.
    fn install_podman(&mut self) {
        let lab = lab::podman_folder();
        for (variable, file) in [
            ("CONTAINERS_CONF", "containers.conf"),
            ("CONTAINERS_STORAGE_CONF", "storage.conf"),
            ("CONTAINERS_REGISTRIES_CONF", "registries.conf"),
        ] {
            self.set(variable, lab.join(file));
        }
        // Where DOCKER_CONFIG names a folder, podman wants this one in it.
        fs::write(self.folder("docker").join("config.json"), "{}").unwrap();
        // There is no variable for this one.
        let settings = self.folder("home").join(".config/containers");
        fs::create_dir_all(&settings).unwrap();
        fs::copy(lab.join("policy.json"), settings.join("policy.json")).unwrap();
        self.wrap("podman", &lab.join("podman"));
    }

    fn install_docker(&self) {
        symlink(
            lab::docker_plugins(),
            self.folder("docker").join("cli-plugins"),
        )
        .unwrap();
        fs::write(self.folder("docker").join("config.json"), "{}").unwrap();
        self.wrap("docker", &lab::docker_program());
    }

    /// Installs a program that notes what it is asked, can be held, and is `real` otherwise.
    fn wrap(&self, name: &str, real: &Path) {
        let script = format!(
            "#!/bin/sh\n\
             log={log}\n\
             printf '%s\\n' \"$*\" >>\"$log/docker\"\n\
             for hold in \"$log/hold-$1\" \"$log/hold-$1-$2\"; do\n\
               [ ! -e \"$hold\" ] || : >\"$hold.held\"\n\
               while [ -e \"$hold\" ]; do sleep 0.05; done\n\
             done\n\
             exec {real} \"$@\"\n",
            log = quoted(self.folder("log").as_os_str()),
            real = quoted(real.as_os_str()),
        );
        self.install(name, &script);
    }

    /// Has an installed program begin with these lines of shell.
    pub(crate) fn intercept(&self, name: &str, lines: &str) {
        let installed = fs::read_to_string(self.folder("bin").join(name)).unwrap();
        let (shebang, rest) = installed.split_once('\n').unwrap();
        self.install(name, &format!("{shebang}\n{lines}\n{rest}"));
    }

    /// Puts a program of this text on the machine's PATH.
    pub(crate) fn install(&self, name: &str, script: &str) {
        let program = self.folder("bin").join(name);
        fs::write(&program, script).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    }
}

fn quoted(text: &OsStr) -> String {
    format!("'{}'", text.to_str().unwrap().replace('\'', r"'\''"))
}

fn unique() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or(Duration::ZERO);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("{:x}-{:x}-{count}", now.as_micros(), std::process::id())
}
