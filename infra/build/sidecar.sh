#!/bin/sh
# The image of the sidecar has a build of its own, sidecar/cloudbuild.yaml. cloudbuild.yaml deploys that image. Both use
# the same tag. It names the GPU $_GPU, and has a hash of the files that the image is built from.
#
#   sidecar.sh tag    prints the tag for the files in the folder sidecar
#   sidecar.sh find   prints the image with this tag by its digest; if there is none, prints how to build it, and fails
set -eu

# sources prints the files that the image is built from: all except those that .dockerignore names.
sources() {
  while read -r name; do
    case $name in '' | '#'*) continue ;; esac
    set -- "$@" -name "${name#\*\*/}" -prune -o
  done <sidecar/.dockerignore
  find sidecar "$@" -type f -print
  echo sidecar/Dockerfile
  echo sidecar/cloudbuild.yaml
}

tag() {
  case $_GPU in
    nvidia-rtx-pro-6000 | nvidia-l4) ;;
    *) echo "_GPU: '$_GPU' is not a kind of GPU; give nvidia-rtx-pro-6000 or nvidia-l4" >&2; return 1 ;;
  esac
  files=$(sources)
  hashes=$(echo "$files" | LC_ALL=C sort | xargs sha256sum)
  echo "$_GPU-$(echo "$hashes" | sha256sum | cut -c1-16)"
}

find_image() {
  tag=$(tag)
  # gcloud fails if the registry has no image of the sidecar at all. Its error is then in the log, above the next one.
  digest=$(gcloud artifacts docker tags list "$IMAGES/sidecar" --format='value(tag.basename(),version.basename())' |
    awk -v tag="$tag" '$1 == tag { print $2 }')
  if [ -z "$digest" ]; then
    echo "there is no image $IMAGES/sidecar:$tag: build it first, and then repeat this build:" >&2
    echo "gcloud builds submit --project=$PROJECT_ID --config=sidecar/cloudbuild.yaml" \
      "--substitutions=_REGION=$_REGION,_NAME=$_NAME,_GPU=$_GPU" >&2
    return 1
  fi
  echo "$IMAGES/sidecar@$digest"
}

case "${1:-}" in
tag) tag ;;
find) find_image ;;
*)
  echo "sidecar.sh: give tag or find" >&2
  exit 2
  ;;
esac
