package schema

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclparse"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// A Module is the configuration in one folder.
type Module struct {
	Dir    string
	Blocks []*hclsyntax.Block // the top-level blocks of all files

	comments map[string]map[int]bool // lines of comments by file
}

// Read reads the .tf files of a folder.
func Read(dir string) (*Module, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.tf"))
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%s has no .tf files", dir)
	}
	m := &Module{Dir: dir, comments: map[string]map[int]bool{}}
	parser := hclparse.NewParser()
	for _, name := range files {
		file, faults := parser.ParseHCLFile(name)
		if faults.HasErrors() {
			return nil, faults
		}
		body := file.Body.(*hclsyntax.Body)
		m.Blocks = append(m.Blocks, body.Blocks...)
		m.comments[name] = map[int]bool{}
		tokens, _ := hclsyntax.LexConfig(file.Bytes, name, hcl.InitialPos) // the parser has already reported invalid syntax
		for _, token := range tokens {
			if token.Type == hclsyntax.TokenComment {
				m.comments[name][token.Range.Start.Line] = true
			}
		}
	}
	return m, nil
}

// Named returns the blocks of a type. The keys are the labels of the blocks, joined by dots. The labels of these blocks
// must differ.
func (m *Module) Named(kind string) map[string]*hclsyntax.Block {
	found := map[string]*hclsyntax.Block{}
	for _, b := range m.Blocks {
		if b.Type == kind {
			found[strings.Join(b.Labels, ".")] = b
		}
	}
	return found
}

// Folders returns the folders below the roots that have .tf files.
func Folders(roots ...string) ([]string, error) {
	var found []string
	for _, root := range roots {
		below, err := foldersBelow(root)
		if err != nil {
			return nil, err
		}
		found = append(found, below...)
	}
	return found, nil
}

func foldersBelow(root string) ([]string, error) {
	var found []string
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == ".terraform" || entry.Name() == "testdata"):
			return fs.SkipDir
		case filepath.Ext(path) == ".tf" && !slices.Contains(found, filepath.Dir(path)):
			found = append(found, filepath.Dir(path))
		}
		return nil
	})
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("%s: %w", root, os.ErrNotExist)
	}
	return found, err
}

// Used returns the types of resources (key "resource") and of data sources (key "data") of all configuration below the
// roots.
func Used(roots ...string) (map[string][]string, error) {
	folders, err := Folders(roots...)
	if err != nil {
		return nil, err
	}
	used := map[string][]string{}
	for _, dir := range folders {
		m, err := Read(dir)
		if err != nil {
			return nil, err
		}
		for _, b := range m.Blocks {
			if (b.Type == "resource" || b.Type == "data") && len(b.Labels) == 2 && !slices.Contains(used[b.Type], b.Labels[0]) {
				used[b.Type] = append(used[b.Type], b.Labels[0])
			}
		}
	}
	return used, nil
}

// at returns an error that begins with a place in the configuration.
func at(r hcl.Range, format string, args ...any) error {
	return fmt.Errorf("%s:%d: %w", r.Filename, r.Start.Line, fmt.Errorf(format, args...))
}
