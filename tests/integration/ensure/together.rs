//! Many `fp ensure` at once: on one engine and one missing tag, and on several tags of one
//! repository.

use std::collections::BTreeSet;
use std::fs;

use crate::support::lab::{self, Store, on_both_stores};
use crate::support::{Answer, Machine, Running};

on_both_stores! {
    twenty_that_share_turns_build_once
    those_that_share_nothing_but_the_engine_agree_with_the_registry
    different_images_of_one_repository_do_not_mix
    who_is_overtaken_takes_what_is_there
}

fn finish_all(runs: Vec<Running>) -> Vec<Answer> {
    runs.into_iter()
        .map(|run| run.finish().succeeded())
        .collect()
}

/// Starts `fp` with a folder for temporary files of its own: nothing tells it of the others.
fn start_alone(machine: &Machine, number: usize, arguments: &[&str]) -> Running {
    let temporary = machine.folder("tmp").join(number.to_string());
    fs::create_dir(&temporary).unwrap();
    let mut command = machine.command(arguments);
    command.env("TMPDIR", temporary);
    Running::spawn(command, &machine.folder("log"))
}

fn twenty_that_share_turns_build_once(store: Store) {
    let machine = Machine::new(store);
    let answers = finish_all((0..20).map(|_| machine.start(&["ensure"])).collect());
    let digest = lab::registry().digest(&machine.repository(), &machine.tag());
    for answer in &answers {
        assert_eq!(
            Some(answer.digest()),
            digest.as_deref(),
            "{}",
            answer.stderr
        );
    }
    assert_eq!(machine.builds(), 1);
    assert_eq!(
        machine.in_image(answers[0].line(), "sh /input/hello.sh"),
        "hello\n"
    );
    assert!(machine.leftovers().is_empty(), "{:?}", machine.leftovers());
}

/// As on as many machines with one remote engine: who writes the tag last within one round trip is
/// believed by all that come later, and whatever is printed can be pulled.
fn those_that_share_nothing_but_the_engine_agree_with_the_registry(store: Store) {
    let machine = Machine::new(store);
    let runs = (0..8).map(|number| start_alone(&machine, number, &["ensure"]));
    let runs: Vec<_> = runs.collect();
    let (done, failed): (Vec<_>, Vec<_>) = runs
        .into_iter()
        .map(Running::finish)
        .partition(|answer| answer.code == Some(0));
    // The lab's registry itself fails now and then while several write one manifest: on a write (1) or
    // on the look before it (4).
    for answer in failed {
        assert!(matches!(answer.code, Some(1 | 4)), "{}", answer.stderr);
        let answer = answer
            .says("500 Internal Server Error")
            .says("help: try again later");
        assert_eq!(answer.stdout, "");
    }
    let digests: BTreeSet<_> = done
        .iter()
        .map(|answer| answer.digest().to_owned())
        .collect();
    let (registry, repository) = (lab::registry(), machine.repository());
    let published = registry.digest(&repository, &machine.tag()).unwrap();
    assert!(
        digests.contains(&published),
        "{published} is not among {digests:?}"
    );
    for digest in &digests {
        assert_eq!(registry.digest(&repository, digest).as_ref(), Some(digest));
    }
    let last = machine.fp(&["ensure"]).succeeded();
    assert_eq!(last.digest(), published);
    assert_eq!(
        machine.in_image(last.line(), "sh /input/hello.sh"),
        "hello\n"
    );
}

fn different_images_of_one_repository_do_not_mix(store: Store) {
    let machine = Machine::new(store);
    let repository = format!("{}/{}", lab::registry().host, machine.repository());
    let mut config = "format = 1\n".to_owned();
    for name in ["a", "b", "c", "d", "e", "f"] {
        machine
            .tree
            .file(format!("{name}.sh"), format!("echo {name}\n"));
        config.push_str(&format!(
            "[images.{name}]\nrepository = \"{repository}\"\ninputs = [\"{name}.sh\"]\n{}",
            machine.salt()
        ));
    }
    machine.tree.config(&config);
    let names = ["a", "b", "c", "d", "e", "f"];
    let runs = names.iter().enumerate();
    let runs = runs.map(|(number, name)| start_alone(&machine, number, &["ensure", name]));
    let answers = finish_all(runs.collect());
    for (name, answer) in names.iter().zip(answers) {
        let fingerprint = machine.fp(&["hash", name]).succeeded().line().to_owned();
        let tag = &fingerprint[..32];
        let digest = lab::registry().digest(&machine.repository(), tag);
        assert_eq!(digest.as_deref(), Some(answer.digest()));
        let config = lab::registry().image_config(&machine.repository(), tag);
        assert_eq!(
            config["config"]["Labels"]["fp.fingerprint"],
            fingerprint.as_str()
        );
        let said = machine.in_image(answer.line(), &format!("sh /input/{name}.sh"));
        assert_eq!(said.trim(), *name);
    }
}

fn who_is_overtaken_takes_what_is_there(store: Store) {
    let slow = Machine::new(store);
    slow.hold("push");
    let run = slow.start(&["ensure"]);
    slow.wait_until_held("push");

    let fast = Machine::bare(store.other());
    let mut command = fast.command(&["ensure"]);
    command.current_dir(slow.tree.path(""));
    let first = Running::spawn(command, &fast.folder("log"))
        .finish()
        .succeeded();

    slow.release("push");
    let second = run
        .finish()
        .succeeded()
        .says("somebody else published the image first");
    assert_eq!(second.stdout, first.stdout);
    let digest = lab::registry().digest(&slow.repository(), &slow.tag());
    assert_eq!(digest.as_deref(), Some(first.digest()));
    slow.fp(&["ensure"]).succeeded().says("nothing to do");
}
