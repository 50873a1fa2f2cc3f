#!/bin/bash
# Which revisions of the deployment's services have traffic, for cloudbuild.yaml. Services are those of the name $_NAME
# in the project $PROJECT_ID; what must be known later is kept in the folder $STATE.
#
#   traffic.sh pin        what serves now keeps all traffic, whatever is deployed next
#   traffic.sh candidate  the newest revisions get the tag candidate, and no traffic
#   traffic.sh shift      the newest revisions get all traffic
#   traffic.sh back       what served at the time of pin gets all traffic again
set -euo pipefail

STATE=${STATE:-/workspace}

# services prints each service, its region, the revision that serves, the newest one that is ready, and the URL of the
# candidate; - for none.
services() {
  gcloud run services list --project="$PROJECT_ID" --format=json | python3 -c '
import json, sys

wanted = [f"{sys.argv[1]}-{function}" for function in ("ingest", "score", "score-gpu", "curate")]
for service in json.load(sys.stdin):
    name, status = service["metadata"]["name"], service.get("status", {})
    traffic = status.get("traffic", [])
    serving = [t["revisionName"] for t in traffic if t.get("percent")]
    url = [t.get("url") for t in traffic if t.get("tag") == "candidate"]
    if name in wanted and len(serving) > 1:
        sys.exit(f"{name} splits its traffic among {serving}: give one of them all of it, then build again")
    if name in wanted and serving:
        newest = status.get("latestReadyRevisionName", "-")
        print(name, service["metadata"]["labels"]["cloud.googleapis.com/location"], serving[0], newest, *(url or ["-"]))
' "$_NAME"
}

update() {
  local service=$1 region=$2
  shift 2
  gcloud run services update-traffic "$service" --project="$PROJECT_ID" --region="$region" --quiet "$@"
}

case "${1:-}" in
pin)
  services >"$STATE/serving"
  while read -r service region revision _; do
    update "$service" "$region" "--to-revisions=$revision=100"
  done <"$STATE/serving"
  ;;
candidate)
  services >"$STATE/deployed"
  while read -r service region serving newest _; do
    [ "$newest" = "$serving" ] || update "$service" "$region" "--set-tags=candidate=$newest"
  done <"$STATE/deployed"
  services | awk -v name="$_NAME-curate" '$1 == name && $5 != "-" { print $5 }' >"$STATE/candidate_url"
  ;;
shift)
  services >"$STATE/deployed"
  while read -r service region _ _ url; do
    update "$service" "$region" --to-latest
    [ "$url" = - ] || update "$service" "$region" --remove-tags=candidate
  done <"$STATE/deployed"
  ;;
back)
  while read -r service region revision _; do
    update "$service" "$region" "--to-revisions=$revision=100"
  done <"$STATE/serving"
  ;;
*)
  echo "traffic.sh: give pin, candidate, shift or back" >&2
  exit 2
  ;;
esac
