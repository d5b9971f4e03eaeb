//! What all runs start from, and a run: a command on a machine of its own, on whose way to the registry something
//! happens.

use super::cases::{ALIAS, Case};
use super::judge::{Outcome, Run};
use super::way::{Trouble, Way};
use crate::support::lab::{self, Store};
use crate::support::{Machine, Running};

/// The platforms of the image in parts. `OTHER` is the one whose part is absent where one is.
const PLATFORMS: [&str; 2] = ["linux/amd64", OTHER];
pub(super) const OTHER: &str = "linux/arm64";

/// An image that the engine has, and that is published with its record; and the same in parts.
pub(super) struct Ground {
    machine: Machine,
    /// The lines of fingerprint.toml by which every machine has the same fingerprint.
    salt: String,
    tag: String,
    name: String,
    pub(super) digest: String,
    pub(super) record: String,
    /// A repository where somebody else's image has the tag.
    taken: String,
    pub(super) theirs: String,
    pub(super) parts: Parts,
}

/// An image for two platforms, whose parts the engine has, and which is published in parts and as a whole.
pub(super) struct Parts {
    machine: Machine,
    salt: String,
    tag: String,
    /// Its name in the engine, but for the part's platform.
    name: String,
    pub(super) digest: String,
    taken: String,
    pub(super) theirs: String,
}

impl Ground {
    pub(super) fn new() -> Self {
        let machine = Machine::new(Store::Containerd);
        let (salt, tag) = (machine.salt(), machine.tag());
        let built = machine.fp(&["ensure"]).succeeded();
        let registry = lab::registry();
        let taken = format!("{}-taken", machine.repository());
        machine.configure_for(&format!("{}/{taken}", registry.host), "\"hello.sh\"", "");
        machine.fp(&["ensure"]).succeeded();
        registry.put_index(&taken, &tag, &[(&tag, "amd64")]);
        let theirs = registry.digest(&taken, &tag).expect("the tag was written");
        machine.configure("");
        Ground {
            name: machine.fp(&["ref"]).line().to_owned(),
            record: machine.fp(&["record"]).stdout,
            digest: built.digest().to_owned(),
            machine,
            salt,
            tag,
            taken,
            theirs,
            parts: Parts::new(),
        }
    }

    /// Runs a command with trouble at one kind of its requests.
    pub(super) fn run(&self, case: Case, place: &'static str, trouble: Trouble) -> Outcome {
        let mut machine = if case.is_in_parts() {
            Machine::bare(Store::Containerd)
        } else {
            Machine::new(Store::Containerd)
        };
        let repository = self.repository(case, &machine);
        let way = Way::new(case, place, self.tag(case), trouble);
        let full = format!("{}/{repository}", way.host());
        let pushed = self.prepare(case, &mut machine, &full);
        let name = format!("{full}:{}", self.tag);
        let alias = format!("{}/{}:{ALIAS}", way.host(), machine.repository());
        let mut command = machine.command(&case.arguments(&name, &alias));
        command.envs(trouble.limits().iter().copied());
        let folder = machine.folder("log");
        let answer = Running::spawn(command, &folder).finish();
        let now = lab::registry().digest(&repository, self.tag(case));
        let outcome = Run::new(case, &machine, &answer, now).judge(self);
        for name in pushed {
            machine.try_docker(&["image", "rm", &name]);
        }
        assert!(way.was_there(), "{case:?}: fp has not asked for {place}");
        outcome
    }

    fn tag(&self, case: Case) -> &str {
        if case.is_in_parts() {
            &self.parts.tag
        } else {
            &self.tag
        }
    }

    /// Where the image is or will be: what a run writes is in a repository of its own.
    fn repository(&self, case: Case, machine: &Machine) -> String {
        match case {
            Case::StatusPresent | Case::Hit | Case::RecordFrom | Case::Alias => {
                self.machine.repository()
            }
            Case::Overtaken => self.taken.clone(),
            Case::IndexHit | Case::MissingNone => self.parts.machine.repository(),
            Case::IndexOvertaken => self.parts.taken.clone(),
            _ => machine.repository(),
        }
    }

    /// Makes a machine's project and what a command finds in the registry and the engine. Returns what the engine will
    /// have of it.
    fn prepare(&self, case: Case, machine: &mut Machine, full: &str) -> Vec<String> {
        let keep = match case {
            Case::Store | Case::StoreAgain | Case::IndexStore => "",
            _ => "publish_record = false\n",
        };
        if case.is_in_parts() {
            self.parts.configure(machine, full, keep);
            return self.parts.prepare(case, machine, full);
        }
        let aliases = match case {
            Case::HitAlias => format!("aliases = [\"{ALIAS}\"]\n"),
            _ => String::new(),
        };
        let lines = format!("{}{keep}{aliases}", self.salt);
        machine.configure_for(full, "\"hello.sh\"", &lines);
        let name = format!("{full}:{}", self.tag);
        if case == Case::StoreAgain {
            self.copy_record(&machine.repository());
        }
        match case {
            Case::Publish | Case::Overtaken | Case::Store | Case::StoreAgain => {
                machine.docker(&["tag", &self.name, &name]);
            }
            Case::HitAlias => {
                on_the_default_branch(machine);
                let from = (&*self.machine.repository(), &*self.tag);
                lab::registry().copy(from, (&machine.repository(), &self.tag));
            }
            Case::Miss => {}
            _ => return Vec::new(),
        }
        vec![name]
    }

    /// Puts the record where it would be had the image been published there before, and its tag been deleted since.
    fn copy_record(&self, repository: &str) {
        let (registry, own) = (lab::registry(), self.machine.repository());
        let list = self.digest.replace(':', "-");
        let listed = registry.manifest(&own, &list);
        let record = listed["manifests"][0]["digest"].as_str();
        let record = record.expect("the record is listed");
        registry.copy((&own, record), (repository, record));
        registry.copy((&own, &list), (repository, &list));
    }
}

impl Parts {
    fn new() -> Self {
        let machine = Machine::bare(Store::Containerd);
        let (registry, repository) = (lab::registry(), machine.repository());
        let mut parts = Parts {
            salt: machine.salt(),
            tag: String::new(),
            name: String::new(),
            digest: String::new(),
            taken: format!("{repository}-taken"),
            theirs: String::new(),
            machine,
        };
        let full = format!("{}/{repository}", registry.host);
        parts.configure(&parts.machine, &full, "publish_record = false\n");
        parts.tag = parts.machine.tag();
        parts.name = format!("{full}:{}", parts.tag);
        for platform in PLATFORMS {
            let make = ["ensure", "--no-pull", "--platform", platform];
            parts.machine.fp(&make).succeeded();
        }
        let joined = parts.machine.fp(&["index"]).succeeded();
        joined.digest().clone_into(&mut parts.digest);
        // Theirs has the same parts, and another order of them.
        parts.copy_to(&parts.taken, &PLATFORMS);
        let [first, second] = PLATFORMS.map(|platform| of_part(&parts.tag, platform));
        let theirs = [(&*second, "arm64"), (&*first, "amd64")];
        registry.put_index(&parts.taken, &parts.tag, &theirs);
        let theirs = registry.digest(&parts.taken, &parts.tag);
        parts.theirs = theirs.expect("the tag was written");
        parts
    }

    /// Writes a project whose image has this fingerprint.
    fn configure(&self, machine: &Machine, full: &str, lines: &str) {
        let dockerfile = "FROM scratch\nARG TARGETARCH\nCOPY $TARGETARCH.txt /platform.txt\n";
        machine.tree.file("Dockerfile", dockerfile);
        for architecture in ["amd64", "arm64"] {
            let file = format!("{architecture}.txt");
            machine.tree.file(file, format!("{architecture}\n"));
        }
        let [own, other] = PLATFORMS;
        machine.tree.image(&format!(
            "repository = \"{full}\"\nplatforms = [\"{own}\", \"{other}\"]\n{}{lines}",
            self.salt
        ));
    }

    fn prepare(&self, case: Case, machine: &Machine, full: &str) -> Vec<String> {
        match case {
            Case::Index | Case::IndexStore => self.copy_to(&machine.repository(), &PLATFORMS),
            Case::IndexPartAbsent | Case::MissingPart => {
                self.copy_to(&machine.repository(), &PLATFORMS[..1]);
            }
            Case::Parts => {
                let name = format!("{full}:{}", self.tag);
                let parts = PLATFORMS.map(|platform| of_part(&name, platform));
                for (platform, part) in PLATFORMS.iter().zip(&parts) {
                    machine.docker(&["tag", &of_part(&self.name, platform), part]);
                }
                return [parts.to_vec(), vec![name]].concat();
            }
            _ => {}
        }
        Vec::new()
    }

    fn copy_to(&self, repository: &str, platforms: &[&str]) {
        for platform in platforms {
            let part = of_part(&self.tag, platform);
            let from = self.machine.repository();
            lab::registry().copy((&from, &part), (repository, &part));
        }
    }
}

/// The tag of a part, or what else ends with it.
fn of_part(whole: &str, platform: &str) -> String {
    format!("{whole}-{}", platform.replace('/', "-"))
}

/// Where CI moves aliases.
fn on_the_default_branch(machine: &mut Machine) {
    for (name, value) in [
        ("CI", "true"),
        ("GITLAB_CI", "true"),
        ("CI_PIPELINE_SOURCE", "push"),
        ("CI_COMMIT_BRANCH", "main"),
        ("CI_DEFAULT_BRANCH", "main"),
    ] {
        machine.set(name, value);
    }
}
