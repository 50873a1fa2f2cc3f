package main

import (
	"bytes"
	"io"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// TestContainers checks compose.yaml and kubernetes.yaml: their commands have valid flags, their environment variables
// exist, and the pages build their images.
func TestContainers(t *testing.T) {
	t.Parallel()
	known := []string{"HARVEST_DATA", "HARVEST_WEIGHTS", "HARVEST_USER", "HARVEST_BUDGET"}
	for _, v := range allVariables() {
		known = append(known, v.Name)
	}
	images := map[string]bool{"harvest": true, "harvest-sidecar": true}
	commands := 0
	for _, file := range []string{"compose.yaml", "kubernetes.yaml"} {
		text := readFile(t, filepath.Join("..", file))
		decoder := yaml.NewDecoder(bytes.NewReader([]byte(text)))
		for {
			var document map[string]any
			if err := decoder.Decode(&document); err == io.EOF {
				break
			} else if err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			eachField(document, func(key string, value any) {
				switch key {
				case "command", "args":
					commands++
					var words []string
					for _, word := range value.([]any) {
						words = append(words, word.(string))
					}
					if err := checkHarvest(words); err != nil {
						t.Errorf("%s: %v: %v", file, words, err)
					}
				case "image":
					if !images[value.(string)] {
						t.Errorf("%s: image %v", file, value)
					}
				}
			})
		}
		for _, match := range regexp.MustCompile(`\$\{([A-Z_]+)|\{name: ([A-Z_]+),`).FindAllStringSubmatch(text, -1) {
			if name := match[1] + match[2]; !slices.Contains(known, name) {
				t.Errorf("%s: %s is not a variable of Harvest", file, name)
			}
		}
	}
	if commands != 2 {
		t.Errorf("checked %d commands", commands)
	}
}

// eachField calls use for every field of a document, at any depth.
func eachField(node any, use func(key string, value any)) {
	switch n := node.(type) {
	case map[string]any:
		for key, value := range n {
			use(key, value)
			eachField(value, use)
		}
	case []any:
		for _, value := range n {
			eachField(value, use)
		}
	}
}

// TestCommandImage checks that the image of the command line is built like the image of the functions.
func TestCommandImage(t *testing.T) {
	t.Parallel()
	functions := readFile(t, filepath.Join("..", "..", "functions", "Dockerfile"))
	command := readFile(t, "Dockerfile")
	shared := regexp.MustCompile(`(?m)^(ARG|FROM|ENV CGO|USER|RUN go mod|EXPOSE) ?.*$`)
	for _, line := range shared.FindAllString(functions, -1) {
		if !strings.Contains(command, "\n"+line+"\n") {
			t.Errorf("the Dockerfile lacks %q, which the Dockerfile of the functions has", line)
		}
	}
	build := regexp.MustCompile(`\nRUN go build (.*) -o `)
	one, other := build.FindStringSubmatch(functions), build.FindStringSubmatch(command)
	if one == nil || other == nil || one[1] != other[1] {
		t.Errorf("built by %q and %q", one, other)
	}
}
