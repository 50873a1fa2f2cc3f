// Package build tests cloudbuild.yaml, sidecar/cloudbuild.yaml and the images, which only the cloud runs. The tests
// check as much as is possible without Docker. The scripts here are steps of these builds.
package build
