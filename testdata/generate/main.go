// Command generate draws the demo dataset and the broken one, byte for byte the same at every run:
//
//	go run ./testdata/generate
//
// It rewrites testdata/demo and testdata/broken below the working directory, the repository's root.
// Every answer is computed from the values that its image was drawn from, so the data is correct by
// construction; nothing in it comes from elsewhere.
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	if err := generate("testdata"); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

// generate replaces the folders demo and broken of root.
func generate(root string) error {
	faces, err := newFaces()
	if err != nil {
		return err
	}
	demo, err := newDemo(faces)
	if err != nil {
		return fmt.Errorf("drawing the demo dataset: %w", err)
	}
	broken, err := newBroken()
	if err != nil {
		return fmt.Errorf("making the broken dataset: %w", err)
	}
	for folder, files := range map[string][]file{"demo": demo, "broken": broken} {
		if err := replaceFolder(filepath.Join(root, folder), files); err != nil {
			return err
		}
	}
	return nil
}

// A file is one file of a dataset's folder, named with slashes relative to it.
type file struct {
	name string
	data []byte
}

// replaceFolder leaves exactly the given files in a folder.
func replaceFolder(folder string, files []file) error {
	if err := os.RemoveAll(folder); err != nil {
		return fmt.Errorf("emptying %s: %w", folder, err)
	}
	for _, f := range files {
		path := filepath.Join(folder, filepath.FromSlash(f.name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return fmt.Errorf("making the folder of %s: %w", path, err)
		}
		if err := os.WriteFile(path, f.data, 0o644); err != nil {
			return fmt.Errorf("writing %s: %w", path, err)
		}
	}
	return nil
}
