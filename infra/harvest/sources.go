package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/container/kinds"
	"github.com/harvest-ml/harvest/shared/dataset/recipe"
)

// A source is a manifest that the arguments of the command line name.
type source struct {
	path  string // absolute
	typed string // name of the manifest as the user typed it, or as the recipe has it
	// folder is the folder that names in the manifest are relative to. It is the manifest's folder, or the current
	// folder if the manifest is not a file of this machine.
	folder string
	entry  recipe.Entry
	// number is the number of the entry in the recipe, from 0.
	number int
}

// A sourceFinder finds the manifests of the arguments, which may be files, patterns, folders, recipes, gs:// URLs, or -
// for the standard input.
type sourceFinder struct {
	state   string // state folder, for copies of manifests from the standard input or a bucket
	images  string // value of --images
	stdin   io.Reader
	sources []source
	recipe  *recipe.Recipe // recipe of the only argument; nil if the argument is not a recipe
	path    string         // of the recipe
	folder  string         // folder that names in the recipe are relative to
	content []byte         // of the recipe
}

// find finds the sources of all arguments.
func (f *sourceFinder) find(ctx context.Context, args []string) error {
	if first := slices.Index(args, "-"); first >= 0 && slices.Contains(args[first+1:], "-") {
		return usageError{errors.New("manifest -: it is named twice; the standard input can be read once")}
	}
	for _, arg := range args {
		if err := f.add(ctx, arg); err != nil {
			return err
		}
	}
	if f.recipe != nil && len(args) > 1 {
		return usageError{fmt.Errorf("%s: it is a %s, which lists a whole dataset; give it alone", f.path, f.recipe.Kind)}
	}
	return nil
}

func (f *sourceFinder) add(ctx context.Context, arg string) error {
	switch {
	case arg == "-":
		path, err := f.spool("stdin", "stdin.jsonl", f.stdin)
		if err != nil {
			return fmt.Errorf("reading the standard input: %w", err)
		}
		return f.addFile(path, arg, ".")
	case strings.HasPrefix(arg, "gs://"):
		return f.addObject(ctx, arg)
	}
	if _, err := os.Lstat(arg); errors.Is(err, fs.ErrNotExist) && recipe.HasPattern(arg) {
		return f.addPattern(arg)
	}
	if info, err := os.Stat(arg); err == nil && info.IsDir() {
		return f.addFolder(arg)
	}
	return f.addFile(arg, arg, filepath.Dir(arg))
}

// addPattern adds the files that match a pattern with globs and braces.
func (f *sourceFinder) addPattern(pattern string) error {
	names, err := matches("", pattern)
	if err != nil {
		return usageError{err}
	}
	for _, name := range names {
		if err := f.addFile(name, name, filepath.Dir(name)); err != nil {
			return err
		}
	}
	return nil
}

// matches returns the files in a folder that match a pattern: in the order of the alternatives in braces, and in
// ascending order for each alternative. The name of the folder has no special characters. The same holds for a folder
// in the pattern that exists.
func matches(folder, pattern string) ([]string, error) {
	folder, rest := splitPattern(folder, pattern)
	expanded, err := recipe.Expand(rest)
	if err != nil {
		return nil, fmt.Errorf("manifest %w", err)
	}
	var names []string
	for _, one := range expanded {
		found, err := filepath.Glob(filepath.Join(literalPattern(folder), one))
		if err != nil {
			return nil, fmt.Errorf("manifest %s: %w; a [ begins a list of characters that ends with ]", pattern, err)
		}
		if len(found) == 0 {
			return nil, fmt.Errorf("manifest %s: there is no file %s; correct the pattern, or add the file", pattern,
				filepath.Join(folder, one))
		}
		names = append(names, found...)
	}
	return names, nil
}

// manifestExtensions are the extensions of the manifests that are read from a folder.
var manifestExtensions = append([]string{".json", ".jsonl", ".ndjson"}, containerExtensions()...)

// containerExtensions returns the extensions of containers.
func containerExtensions() (extensions []string) {
	for _, kind := range kinds.All() {
		extensions = append(extensions, "."+string(kind.Format))
	}
	return extensions
}

// packedExtensions are the extensions of compressed files; they follow the other extensions.
var packedExtensions = []string{".gz", ".zst", ".bz2", ".xz"}

// addFolder adds the manifests directly in a folder. If the folder also has a recipe, addFolder returns an error,
// because the user must choose.
func (f *sourceFinder) addFolder(folder string) error {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return fmt.Errorf("manifest %s: %w", folder, err)
	}
	found := false
	for _, entry := range entries {
		name := entry.Name()
		for _, end := range packedExtensions {
			name = strings.TrimSuffix(name, end)
		}
		if entry.IsDir() || strings.HasPrefix(name, ".") || !slices.Contains(manifestExtensions, filepath.Ext(name)) {
			continue
		}
		path := filepath.Join(folder, entry.Name())
		listed, _, err := readRecipe(path)
		if err != nil {
			return err
		}
		if listed != nil {
			return usageError{fmt.Errorf("manifest %s: the folder has %s, a %s; name this file, or the manifests",
				folder, entry.Name(), listed.Kind)}
		}
		found = true
		if err := f.addFile(path, path, folder); err != nil {
			return err
		}
	}
	if !found {
		return usageError{fmt.Errorf("manifest %s: the folder has no manifest (%s); name a file", folder,
			strings.Join(manifestExtensions, ", "))}
	}
	return nil
}

// addFile adds a manifest, or the manifests of a recipe. Names in the file are relative to folder.
func (f *sourceFinder) addFile(path, typed, folder string) error {
	abs, err := filepath.Abs(path)
	if err != nil {
		return fmt.Errorf("manifest %s: %w", typed, err)
	}
	if err := checkManifest(abs, typed); err != nil {
		return err
	}
	listed, content, err := readRecipe(abs)
	if err != nil {
		return err
	}
	if listed == nil {
		f.sources = append(f.sources, source{path: abs, typed: typed, folder: folder})
		return nil
	}
	if f.recipe != nil {
		return usageError{fmt.Errorf("%s: it is a %s, which lists a whole dataset; give it alone", typed, listed.Kind)}
	}
	f.recipe, f.path, f.folder, f.content = listed, abs, folder, content
	for number, entry := range listed.Entries {
		if err := f.addEntry(number, entry, typed); err != nil {
			return usageError{fmt.Errorf("%s: entry %q: %w", typed, entry.Name, err)}
		}
	}
	return nil
}

// addEntry adds the manifests of an entry of a recipe. The entry's path is relative to the recipe or to the current
// folder.
func (f *sourceFinder) addEntry(number int, entry recipe.Entry, typed string) error {
	folder, err := filepath.Abs(f.folder)
	if err != nil {
		return err
	}
	path := nextTo(folder, entry.File)
	names := []string{path}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) && recipe.HasPattern(entry.File) {
		base := folder
		if filepath.IsAbs(entry.File) {
			base = ""
		}
		if names, err = matches(base, entry.File); err != nil {
			return err
		}
	}
	if entry.Images != "" {
		root, err := f.root(folder, entry.Images)
		if err != nil {
			return err
		}
		entry.Reading.Root = root
	}
	for _, name := range names {
		if err := checkManifest(name, name); err != nil {
			return err
		}
		if len(names) > 1 && f.recipe.Kind == recipe.OneVision {
			entry.Reading.Source = dataset.Stem(filepath.Base(name))
		}
		f.sources = append(f.sources, source{
			path: name, typed: typed + " (" + entry.File + ")", folder: filepath.Dir(name), entry: entry, number: number,
		})
	}
	return nil
}

// nextTo resolves the path `name` from a file in `folder`. The path is relative to the working directory if it exists
// only there, else to the folder.
func nextTo(folder, name string) string {
	if filepath.IsAbs(name) {
		return filepath.Clean(name)
	}
	path := filepath.Join(folder, name)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) && !recipe.HasPattern(name) {
		if abs, err := filepath.Abs(name); err == nil {
			if _, err := os.Stat(abs); err == nil {
				return abs
			}
		}
	}
	return path
}

// root returns the folder of an entry's images, relative to the folder of all images.
func (f *sourceFinder) root(folder, name string) (string, error) {
	images := f.images
	if images == "" {
		images = folder
	}
	images, err := filepath.Abs(images)
	if err != nil {
		return "", err
	}
	root, err := filepath.Rel(images, nextTo(folder, name))
	if err != nil || root == ".." || strings.HasPrefix(root, ".."+string(filepath.Separator)) {
		return "", fmt.Errorf("root: %s is outside the folder of images, %s; give --images a folder that contains both "+
			"folders", name, images)
	}
	if root == "." {
		return "", nil
	}
	return filepath.ToSlash(root), nil
}

// readRecipe reads a recipe; nil if the file is not a recipe.
func readRecipe(path string) (*recipe.Recipe, []byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, recipe.MaxBytes+1))
	if err != nil {
		return nil, nil, err
	}
	listed, err := recipe.Parse(content)
	if err != nil {
		return nil, nil, usageError{fmt.Errorf("%s: %w", path, err)}
	}
	return listed, content, nil
}

// checkManifest returns an error if the path cannot be the path of a manifest.
func checkManifest(path, typed string) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return usageError{fmt.Errorf("manifest %s: there is no such file", typed)}
	case err != nil:
		return fmt.Errorf("manifest %s: %w", typed, err)
	case info.IsDir():
		return usageError{fmt.Errorf("manifest %s: it is a folder; name the manifest in it", typed)}
	case !info.Mode().IsRegular(): // a manifest is read several times
		return usageError{fmt.Errorf("manifest %s: it is a pipe or a device; give - to read the standard input", typed)}
	}
	if err := readable(path); err != nil {
		return fmt.Errorf("manifest %s: it cannot be read (%w); let this user read it (chmod +r)", typed, err)
	}
	return nil
}
