# shellcheck shell=bash
# What `fp ensure` and `fp status` take beyond the engine and the registry, for script/bench.

# Engine and registry are the lab's own, on loopback, so that what is measured is what each program itself does.
engine_and_registry() {
  local group=ensure tree=$work/image before='' lab=$work/lab clients reference
  say 'measuring fp ensure'
  "$project/script/lab" install clients
  "$project/script/lab" up --prefer private --store containerd --for $$ "$lab"
  clients=$("$project/script/lab" where clients)
  # shellcheck source=/dev/null
  . "$lab/env"
  export LD_LIBRARY_PATH
  LD_LIBRARY_PATH=$(echo "$clients"/usr/lib/*-linux-gnu)
  make_tree "$tree" '["app"]'
  corpus tree "$tree/app" 40 200000
  printf 'FROM %s\nCOPY app /app\nRUN cat /app/stamp >/stamp\n' "$FP_LAB_BASE_BUSYBOX" >"$tree/Dockerfile"
  printf 'repository = "%s/bench/fp"\npush = "always"\n' "$FP_LAB_REGISTRY" >>"$tree/fingerprint.toml"

  before="sh -c 'date +%s%N >$tree/app/stamp'"
  compare 'a miss' "$tree" 3 "$fp ensure" \
    'docker buildx build --push' '150 ms more' \
    "docker buildx build --push --provenance=false --tag $FP_LAB_REGISTRY/bench/bare:1 $tree"
  before=''

  reference=$(cd "$tree" && "$fp" ensure 2>/dev/null)
  reference=${reference%@*}
  compare 'a hit, the image is in the engine' "$tree" 20 "$fp ensure" \
    'crane digest, docker image inspect' 1.0 "sh -c '$clients/usr/bin/crane digest $reference; docker image inspect $reference'"
  compare 'a hit, only the name is wanted' "$tree" 20 "$fp ensure --no-pull" \
    'crane digest' 1.0 "$clients/usr/bin/crane digest $reference" \
    'skopeo inspect --raw' 1.0 "$clients/usr/bin/skopeo inspect --raw --tls-verify=false docker://$reference" \
    'docker manifest inspect' 1.0 "docker manifest inspect --insecure $reference"
  many_images "$reference"
}

# many_images REFERENCE: a hundred images in a registry that is 50 ms away, all of them published or none. REFERENCE is one that
# is published in the lab's.
many_images() {
  local tree=$work/many-images numbers host crane
  crane=$clients/usr/bin/crane numbers=$(seq -s , 101 200)
  python3 -B "$project/benches/far.py" 50 "$FP_LAB_REGISTRY" "$work/far" &
  far=$!
  wait_for 20 'the way to the far registry' test -e "$work/far"
  host=$(<"$work/far")
  mkdir -p "$tree"
  printf 'FROM scratch\n' >"$tree/Dockerfile"
  printf '%s\n[images."i{n}"]\nmatrix = { n = [%s] }\ninputs = []\nrepository = "%s/bench/i{n}"\n' \
    "$(grep '^format = ' "$project/fingerprint.toml")" "\"${numbers//,/\",\"}\"" "$host" >"$tree/fingerprint.toml"
  (cd "$tree" && "$fp" ref --all) | sed 's/ .*//' >"$work/names"

  compare '`fp status`, 100 images, none is published' "$tree" 3 "sh -c '$fp status || [ \$? = 3 ]'" \
    'crane digest, 32 at once' '1 s' "sh -c 'xargs -n 1 -P 32 $crane digest <$work/names || true'"
  # Each repository gets the image by the short way.
  sed "s|^$host/||" "$work/names" >"$work/tags"
  quietly 'publishing a hundred images' "$work/log" \
    xargs -a "$work/tags" -I NAME -P 4 "$crane" copy --insecure "$1" "$FP_LAB_REGISTRY/NAME"
  compare '`fp status`, 100 images, all are published' "$tree" 3 "$fp status" \
    'crane digest, 32 at once' '1 s' "sh -c 'xargs -n 1 -P 32 $crane digest <$work/names'"
  kill "$far" && far=''
}
