# shellcheck shell=bash
# The steps of the gate. Each returns 0, $SKIPPED (and sets reason), or another status if its check failed.

step_top() {
  in_git || return
  local allowed='functions|sidecar|shared|infra|testdata|go\.mod|go\.sum|cloudbuild\.yaml|README\.md|LICENSE|\..*' extra
  extra=$(git ls-files | cut -d/ -f1 | sort -u | grep -vxE "$allowed")
  [ -z "$extra" ] || { echo "not allowed at the top level: $extra"; return 1; }
}

step_sizes() {
  in_git || return
  debian_python 9 99 || return
  python3 .ci/sizes.py
}

step_format() {
  local files
  files=$(gofmt -l functions infra shared) || return 1
  [ -z "$files" ] || { printf 'not formatted, run gofmt -w on:\n%s\n' "$files"; return 1; }
}

step_modules() { go mod tidy -diff && go mod verify; }

step_vet() { go vet -tags faults,load ./...; }

# With the option, the linter waits for a run in another checkout. Otherwise it would fail.
step_lint() { tool github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0 run --allow-serial-runners ./...; }

step_ruff() {
  sidecar_python || return
  local bin=${HARVEST_SIDECAR_PYTHON%/*}
  "$bin/ruff" check sidecar && "$bin/ruff" format --check sidecar &&
    "$bin/hadolint" sidecar/Dockerfile functions/Dockerfile infra/harvest/Dockerfile
}

step_pytest() {
  sidecar_python || return
  "$HARVEST_SIDECAR_PYTHON" -m pytest -p no:cacheprovider -rs sidecar
}

step_inductor() {
  sidecar_python || return
  command -v g++ >/dev/null || { skip "there is no g++, which Inductor compiles with"; return; }
  HARVEST_INDUCTOR=1 timeout 600 "$HARVEST_SIDECAR_PYTHON" -m pytest -p no:cacheprovider sidecar/tests/test_inductor.py
}

step_engine() { inference_server; }

# Tests that need the sidecar or the inference server are skipped if it is missing; the steps pytest and engine report
# this.
step_test() {
  local line
  line=$(readme test)
  sidecar_python
  reason=''
  echo "\$ $line"
  bash -c "$line" && go test -count=1 -tags load ./infra/local/load
}

# This step uses Go's normal build cache. Harvest's cache is empty, so that all samples are scored.
step_job() {
  local line cache status
  line=$(readme run)
  cache=$(mktemp -d)
  echo "\$ $line"
  GOCACHE=$(go env GOCACHE) XDG_CACHE_HOME=$cache bash -c "$line"
  status=$?
  rm -rf "$cache"
  return $status
}

# HARVEST_SCREENSHOTS=DIR keeps screenshots of the reports.
step_browser() {
  install_chromium && axe_core || return
  go_test -timeout 10m -run TestBrowser ./infra/harvest
}

# The word after "sh" at a block of commands names what the block needs. A test of shared/markdown checks these words.
step_pages() {
  local blocks=cheap
  $full && blocks=full
  HARVEST_PAGES=$blocks go_test -timeout 20m -run TestPagesRun ./infra/harvest
}

step_vulns() {
  local out status
  out=$(tool golang.org/x/vuln/cmd/govulncheck@v1.9.0 ./... 2>&1)
  status=$?
  local unreachable='vuln\.go\.dev|dial tcp|no such host|Forbidden|connection refused|proxyconnect'
  if [ $status = 1 ] && grep -qE "$unreachable" <<<"$out"; then
    skip "the vulnerability database cannot be reached: $(tail -n1 <<<"$out")"
    return
  fi
  echo "$out"
  return $status
}

step_weights() {
  shared data/annotations/train2.jsonl || return
  local out status data
  data=$(realpath ../shared/data)
  out=$(mktemp -d)
  mkdir "$out/images" && cp -rs "$data"/pool/images/* "$data"/pool2/images/* "$out/images" &&
    cp "$data/pool/dataset.json" "$out/pool.json" && cp "$data/pool2/dataset.json" "$out/pool2.json" &&
    cat "$data"/annotations/train.jsonl "$data"/annotations/train2.jsonl >"$out/train.jsonl" &&
    go run ./infra/harvest train --quiet --out "$out/weights.zst" --base "$out/base.br" \
      --annotations "$out/train.jsonl" --images "$out/images" "$out/pool.json" "$out/pool2.json" &&
    cmp "$out/weights.zst" shared/scorer/embedded/weights.zst &&
    cmp "$out/base.br" shared/scorer/embedded/training/base.br
  status=$?
  rm -rf "$out"
  return $status
}

# On arm64, the tests rate the demo and, if they are here, real samples. They compare the ratings of the demo with the
# golden file, and the ratings of real samples with the ratings on this processor.
step_arm64() {
  command -v qemu-aarch64-static >/dev/null || debian qemu-user-static || return 1
  command -v qemu-aarch64-static >/dev/null || { skip "there is no qemu-aarch64-static"; return; }
  local out status
  out=$(mktemp -d)
  if [ -e ../shared/data/pool ]; then
    HARVEST_EXPECTED=$out/expected.json go test -count=1 -run TestElsewherePool ./shared/scorer/embedded ||
      { rm -r "$out"; return 1; }
    export HARVEST_EXPECTED=$out/expected.json
  fi
  GOARCH=arm64 CGO_ENABLED=0 go test -count=1 -timeout 30m -v -run TestElsewhere -exec qemu-aarch64-static \
    ./shared/scorer/embedded
  status=$?
  unset HARVEST_EXPECTED
  rm -rf "$out"
  return $status
}

# A snapshot has the same files as a release. Without the git history, the binaries would have no version.
step_releases() {
  in_git || return
  local goreleaser bom
  goreleaser=$(tool_path github.com/goreleaser/goreleaser/v2@v2.15.0) &&
    bom=$(tool_path github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0) || return 1
  "$goreleaser" check && PATH=${bom%/*}:$PATH "$goreleaser" release --snapshot --clean --skip=publish &&
    (cd .cache/releases && sha256sum --check --quiet checksums.txt && ls ./*.tar.gz ./*.cdx.json)
}

step_image() {
  [ "$(id -u)" = 0 ] || { skip "only root may chroot"; return; }
  command -v chroot >/dev/null || { skip "there is no chroot command"; return; }
  HARVEST_IMAGE=1 go_test -timeout 30m -run TestImage ./infra/harvest
}

step_consumers() {
  debian_python 11 99 && sidecar_python || return # the trainers use the torch of the sidecar
  .ci/consumers
  local status=$?
  [ $status != $SKIPPED ] || skip "trainers' loaders: python3 has another version than the sidecar's Python"
  return $status
}

step_faults() {
  local faults=10
  $full && faults=60
  HARVEST_FAULTS=${FAULTS:-$faults} go_test -tags faults -timeout 60m ./infra/local/faults
}

step_soak() {
  HARVEST_SOAK=1 go_test -timeout 30m -run Kill ./infra/harvest/... &&
    HARVEST_SOAK=1 go_test -timeout 30m -run Kill ./shared/run &&
    HARVEST_SOAK=1 go_test -timeout 30m ./infra/local/simulation
}

# The packages are not tested in parallel, because the tests measure memory and time.
step_large() {
  HARVEST_SOAK=1 go_test -timeout 60m -run TestLargeManifests ./shared/run &&
    HARVEST_SOAK=1 go_test -timeout 30m -p 1 -run TestLarge ./shared/dataset/container/...
}

step_load() { HARVEST_LOAD=1 go_test -tags load -timeout 30m ./infra/local/load; }

# Go 1.26 may report the end of the time as a failure, without a failing input: golang/go#75804, fixed in Go 1.27.
step_fuzz() {
  local targets package target output
  mapfile -t targets < <(grep -roE --include=*_test.go '^func Fuzz[A-Za-z0-9_]+' functions infra shared |
    sed -E 's#^(.*)/[^/]+:func (Fuzz.*)$#./\1 \2#')
  [ ${#targets[@]} -gt 0 ] || return 1
  for target in "${targets[@]}"; do
    read -r package target <<<"$target"
    echo "$package $target"
    output=$(go test -run '^$' -fuzz "^$target\$" -fuzztime "${FUZZTIME:-4s}" -fuzzminimizetime 1x "$package" 2>&1 \
      </dev/null) ||
      { grep -qx '    context deadline exceeded' <<<"$output" && ! grep -q 'Failing input' <<<"$output"; } ||
      { echo "$output"; return 1; }
    grep execs: <<<"$output" | tail -n1
  done
}

# The slow tests do not run, and three tests whose many large buffers take minutes under the race detector. -short
# leaves out the tests of the sidecar, of bounded memory, and in simulated time. The step "test" runs all of them. The
# library for zstd is built without the race detector, which would make the tests take twice as long. (This is possible
# only for libraries without sync.Map: the linker may keep the library's copy of a generic function for the whole
# program.)
step_race() {
  env -u HARVEST_THOROUGH go test -race '-gcflags=github.com/klauspost/compress/...=-race=false' -tags load -short \
    -skip '^(TestParquet|TestClustersLost|TestContained)$' -timeout 30m ./...
}

step_newcomer() {
  in_git && shared tools/newcomer.sh || return
  env -u HARVEST_THOROUGH ../shared/tools/newcomer.sh
}
