# shellcheck shell=bash
# Functions that install the requirements of steps. The first call of a function is slow, later calls are fast. Call
# them in the repository's root.

# The status of a step that cannot run on this machine.
readonly SKIPPED=75

# skip REASON... ends a step that cannot run: `skip "no network"; return`.
skip() {
  reason=$*
  return $SKIPPED
}

# kept is the folder of tools and environments, which are kept between runs.
kept=${XDG_CACHE_HOME:-$HOME/.cache}/harvest-ci

# tool_path MODULE@VERSION prints the path of a Go tool, which is built once for each version of Go.
tool_path() {
  local module=${1%@*} version=${1##*@} name bin
  name=$(basename "${module%/v[0-9]*}")
  bin=$kept/$name-$version-$(go env GOVERSION)
  [ -e "$bin/complete" ] || { GOBIN=$bin go install "$1" >&2 && touch "$bin/complete"; } || return 1
  echo "$bin/$name"
}

# tool MODULE@VERSION [ARGUMENT...] runs a Go tool.
tool() {
  local program
  program=$(tool_path "$1") && "$program" "${@:2}"
}

# shared PATH succeeds if ../shared has PATH. Only the project's own machines have ../shared.
shared() { [ -e "../shared/$1" ] || skip "../shared/$1 is absent"; }

# in_git succeeds in a git checkout; a build service may have only the files.
in_git() { git rev-parse --git-dir >/dev/null 2>&1 || skip "this is not a git checkout"; }

# debian PACKAGE... installs Debian packages. If the user may not, it does nothing. Two steps do not install packages at
# the same time.
debian() {
  [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || return 0
  mkdir -p "$kept" &&
    flock "$kept/apt.lock" sh -c 'apt-get update -qq && apt-get install -y -qq "$@" >/dev/null' sh "$@"
}

# python_for MIN MAX prints the name of a Python from version 3.MIN to 3.MAX that can make virtual environments.
python_for() {
  local name
  for name in python3 python3.12 python3.11; do
    "$name" -c "import ensurepip, sys, venv; sys.exit(not (3, $1) <= sys.version_info[:2] <= (3, $2))" 2>/dev/null &&
      { echo "$name"; return; }
  done
  return 1
}

# debian_python installs Debian's Python if there is no suitable Python and the user is root.
debian_python() {
  python_for "$@" >/dev/null && return
  debian python3 python3-venv || return 1
  python_for "$@" >/dev/null || skip "there is no Python from 3.$1 to 3.$2 with its venv module"
}

# sidecar_python makes the sidecar's virtual environment, and exports the path of its Python for the Go tests that run a
# real sidecar. There is one environment for each content of the lock file. It is kept between runs, because it needs 6
# GB and minutes.
sidecar_python() {
  debian_python 11 12 || return
  local python key venv
  python=$(python_for 11 12)
  key=$( ("$python" -VV; cat sidecar/requirements-ci.lock) | sha256sum | cut -c1-16)
  venv=$kept/sidecar-$key
  if [ ! -e "$venv/complete" ]; then
    rm -rf "$venv" && mkdir -p "${venv%/*}" && "$python" -m venv "$venv" &&
      "$venv/bin/pip" install -q --disable-pip-version-check --require-hashes -r sidecar/requirements-ci.lock &&
      touch "$venv/complete" || return 1
  fi
  export HARVEST_SIDECAR_PYTHON=$venv/bin/python
}

# inference_server installs the server of ../shared/engine, by starting it once: its script installs it at the first
# start. The tests start it again.
inference_server() {
  shared engine/start.sh || return
  [ -x "${HARVEST_ENGINE_ROOT:-$HOME/.cache/harvest-engine}/usr/bin/llama-server" ] && return
  [ "$(id -u)" = 0 ] || { skip "only root may install the inference server"; return; }
  local started port=18999 status=1
  timeout 300 ../shared/engine/start.sh tiny $port >/dev/null 2>&1 &
  started=$!
  for _ in $(seq 290); do
    (exec 3<>/dev/tcp/127.0.0.1/$port) 2>/dev/null && { status=0; break; }
    kill -0 $started 2>/dev/null || break
    sleep 1
  done
  kill $started 2>/dev/null
  wait $started 2>/dev/null
  [ $status = 0 ] || echo "../shared/engine/start.sh started no server: it failed, or took more than 290 s"
  return $status
}

# install_chromium installs Debian's Chromium if there is no Chromium and the user is root.
install_chromium() {
  command -v chromium >/dev/null && return
  debian chromium || return 1
  command -v chromium >/dev/null || skip "there is no chromium, and only root may install it"
}

# axe_core downloads axe-core, the accessibility checks, and exports its path.
axe_core() {
  local folder=$kept/axe-core-4.14.1
  export HARVEST_AXE=$folder/node_modules/axe-core/axe.min.js
  [ -e "$HARVEST_AXE" ] && return
  command -v npm >/dev/null || { skip "there is no npm to fetch axe-core with"; return; }
  mkdir -p "$folder" && npm install --silent --no-save --ignore-scripts --prefix "$folder" axe-core@4.14.1 >/dev/null
}

# go_test ARGUMENT... runs the tests that a step exists for. It fails if there is no such test. If a test is skipped, it
# sets the reason of the step, so that the step is not reported as ok.
go_test() {
  local output status=0 skipped
  output=$(mktemp)
  go test -count=1 -v "$@" | tee "$output" | grep --line-buffered -vE '^ *=== (RUN|PAUSE|CONT|NAME)'
  if [ "${PIPESTATUS[0]}" != 0 ] || ! grep -q -- '^--- ' "$output"; then status=1; fi
  skipped=$(grep -m1 -B1 -- '^ *--- SKIP' "$output") && reason=$(tr -s ' \n' ' ' <<<"$skipped")
  rm "$output"
  return $status
}

# readme VERB prints the first `go VERB` command of the README, without its comment.
readme() {
  local line
  line=$(grep -m1 -E "^[[:space:]]*[$]?[[:space:]]*go $1 " README.md) || { echo "false # README has no go $1"; return; }
  sed -E 's/^[[:space:]]*[$]?[[:space:]]*//; s/[[:space:]]+#.*$//' <<<"$line"
}
