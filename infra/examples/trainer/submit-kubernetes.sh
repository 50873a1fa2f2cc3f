#!/bin/bash
# Submits a training to Kubernetes. trainer runs this command, and sets the variables HARVEST_*. Set IMAGE, and
# optionally GPUS. A job with the name HARVEST_JOB is submitted once: the cluster refuses a second job.
set -euo pipefail
: "${IMAGE:?give the image that trains}"

answer=$(kubectl create -f - 2>&1 <<END
apiVersion: batch/v1
kind: Job
metadata:
  name: $HARVEST_JOB
  labels: {app: harvest}
spec:
  backoffLimit: 2
  template:
    spec:
      restartPolicy: Never
      containers:
        - name: train
          image: $IMAGE
          env:
            - {name: HARVEST_SUBSET, value: "$HARVEST_SUBSET_URI"}
            - {name: HARVEST_IMAGES, value: "$HARVEST_IMAGES"}
            - {name: HARVEST_RUN, value: "$HARVEST_RUN"}
            - {name: HARVEST_SELECTION, value: "$HARVEST_SELECTION"}
          resources:
            limits: {nvidia.com/gpu: ${GPUS:-1}}
END
) || case "$answer" in
*AlreadyExists*) ;;
*)
  echo "$answer" >&2
  exit 1
  ;;
esac
echo "$answer"
