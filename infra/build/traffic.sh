#!/bin/bash
# Moves traffic between revisions of the services of a deployment, for cloudbuild.yaml. $_NAME is the deployment, and
# $PROJECT_ID its project. Each call writes files for later calls to the folder $STATE.
#
#   traffic.sh pin        the serving revisions keep all traffic during the next deployment
#   traffic.sh candidate  the newest revisions get the tag candidate, but no traffic
#   traffic.sh shift      the newest revisions get all traffic
#   traffic.sh back       the revisions that served at the time of pin get all traffic again
set -euo pipefail

STATE=${STATE:-/workspace}

# services prints a line for each service: its name, its region, the serving revision, the newest ready revision, and
# the URL of the candidate. A missing value is printed as -.
services() {
  gcloud run services list --project="$PROJECT_ID" --format=json | python3 -c '
import json, sys

ours = [f"{sys.argv[1]}-{function}" for function in ("ingest", "score", "score-gpu", "curate")]
for service in json.load(sys.stdin):
    name, status = service["metadata"]["name"], service.get("status", {})
    traffic = status.get("traffic", [])
    serving = [t["revisionName"] for t in traffic if t.get("percent")]
    url = [t.get("url") for t in traffic if t.get("tag") == "candidate"]
    if name in ours and len(serving) > 1:
        sys.exit(f"{name} splits its traffic among {serving}: give one all traffic, then build again")
    if name in ours and serving:
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
