#!/bin/bash
# Scans a local image for known vulnerabilities, for cloudbuild.yaml and sidecar/cloudbuild.yaml. It prints a line for
# each one, which begins with its severity, and writes these lines to a file.
#
#   scan.sh IMAGE FILE
set -euo pipefail

case "$_REGION" in europe-*) place=europe ;; asia-*) place=asia ;; *) place=us ;; esac
scan=$(gcloud artifacts docker images scan "$1" --location="$place" --format='value(response.scan)')
gcloud artifacts docker images list-vulnerabilities "$scan" --location="$place" \
  --format='value(vulnerability.effectiveSeverity,vulnerability.shortDescription)' | sort -u | tee "$2"
