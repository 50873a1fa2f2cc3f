// Package build tests cloudbuild.yaml and the images, which only the cloud runs. The tests check as much as is possible
// without Docker.
package build
