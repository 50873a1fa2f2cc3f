// Package vertex holds the test of a workflow that starts trainings on Vertex AI.
package vertex
