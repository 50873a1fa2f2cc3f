#!/bin/bash
# Submits a training to Vertex AI. trainer runs this command, and sets the variables HARVEST_*. Set REGION and IMAGE,
# and optionally MACHINE and ACCELERATOR. A job with the name HARVEST_JOB is submitted once.
set -euo pipefail
: "${REGION:?give the region of the job}" "${IMAGE:?give the image that trains}"

jobs() { gcloud ai custom-jobs "$@" --region="$REGION"; }

if [ -n "$(jobs list --filter="displayName=$HARVEST_JOB" --format='value(name)')" ]; then
  echo "$HARVEST_JOB was already submitted"
  exit 0
fi
spec=$(mktemp)
trap 'rm -f "$spec"' EXIT
cat >"$spec" <<END
workerPoolSpecs:
  - replicaCount: 1
    machineSpec:
      machineType: ${MACHINE:-a2-highgpu-1g}
      acceleratorType: ${ACCELERATOR:-NVIDIA_TESLA_A100}
      acceleratorCount: 1
    containerSpec:
      imageUri: $IMAGE
      env:
        - {name: HARVEST_SUBSET, value: "$HARVEST_SUBSET_URI"}
        - {name: HARVEST_IMAGES, value: "$HARVEST_IMAGES"}
        - {name: HARVEST_RUN, value: "$HARVEST_RUN"}
        - {name: HARVEST_SELECTION, value: "$HARVEST_SELECTION"}
END
jobs create --display-name="$HARVEST_JOB" --config="$spec"
