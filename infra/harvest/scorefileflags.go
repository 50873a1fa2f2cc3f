package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/harvest-ml/harvest/shared/spelling"
	"github.com/spf13/cobra"
)

// scoreFileFlags are the flags for scores that are not in a run of this program.
type scoreFileFlags struct {
	scores   []string
	manifest string
}

func (f *scoreFileFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&f.scores, "scores", nil, "instead of a run: the folder of <capability>.jsonl and "+
		"style.jsonl that the reference implementation wrote, or a pattern of Parquet files with Harvest's columns "+
		"('scores/*.parquet'), which may be repeated")
	cmd.Flags().StringVar(&f.manifest, "manifest", "",
		"if --scores is a folder: the manifest that was scored; its items have idx and image_source")
}

// command returns the text of a command that selects from the same files.
func (f *scoreFileFlags) command(out string) string {
	words := []string{"harvest select"}
	for _, name := range f.scores {
		words = append(words, "--scores", spelling.ShellWord(name))
	}
	if f.manifest != "" {
		words = append(words, "--manifest", spelling.ShellWord(f.manifest))
	}
	return strings.Join(append(words, "--out", spelling.ShellWord(out)), " ")
}

func (f *scoreFileFlags) given() bool { return len(f.scores) > 0 || f.manifest != "" }

// parquet reports whether the scores are in Parquet files.
func (f *scoreFileFlags) parquet() bool {
	return !slices.ContainsFunc(f.scores, func(name string) bool { return !strings.HasSuffix(name, ".parquet") })
}

// validate checks the flags of select --scores.
func (f *scoreFileFlags) validate(requests []selection.Request, out string) error {
	switch {
	case len(requests) > 1:
		return usageError{fmt.Errorf("--budget: %d budgets are given, and --scores allows one; give one budget",
			len(requests))}
	case out == "":
		return usageError{errors.New("--out is missing; give the file to write")}
	case len(f.scores) == 0 || slices.Contains(f.scores, ""):
		return usageError{errors.New("--scores is missing; give the folder of score files")}
	case len(f.scores) > 1 && !f.parquet():
		return usageError{fmt.Errorf("--scores %s: only Parquet files may be given together; give one folder, or only "+
			"patterns that end in .parquet", strings.Join(f.scores, " --scores "))}
	case f.parquet() && filepath.Ext(out) != "" && filepath.Ext(out) != ".parquet":
		return usageError{fmt.Errorf("--out %s: Parquet scores do not hold the records, so only picks can be "+
			"written, as Parquet: give a name that ends in .parquet", out)}
	case f.parquet() && f.manifest != "":
		return usageError{errors.New("--manifest: Parquet scores need no manifest, because only picks are written; remove " +
			"--manifest")}
	case !f.parquet() && parquetIn(f.scores[0]) != "":
		return usageError{fmt.Errorf("--scores %s: the folder has Parquet files; give --scores %s", f.scores[0],
			spelling.ShellWord(parquetIn(f.scores[0])))}
	case !f.parquet() && f.manifest == "":
		return usageError{errors.New("--manifest is missing; give the manifest that was scored")}
	}
	if err := f.keepRead(out); err != nil {
		return err
	}
	if !f.parquet() {
		for _, given := range []struct{ flag, name, kind string }{
			{"scores", f.scores[0], "folder"}, {"manifest", f.manifest, "file"},
		} {
			if _, err := os.Stat(given.name); errors.Is(err, fs.ErrNotExist) {
				return usageError{fmt.Errorf("--%s %s: there is no such %s", given.flag, given.name, given.kind)}
			}
		}
	}
	return nil
}

// keepRead returns an error if out is a file that the command reads.
func (f *scoreFileFlags) keepRead(out string) error {
	read := []string{f.manifest}
	for _, pattern := range f.scores {
		if info, err := os.Stat(pattern); err == nil && info.IsDir() {
			pattern = filepath.Join(pattern, "*.jsonl")
		}
		scored, err := globbed(pattern)
		if err != nil {
			return usageError{fmt.Errorf("--scores %s: %w", pattern, err)}
		}
		read = append(read, scored...)
	}
	return keepFiles("out", out, read...)
}

// parquetIn returns the pattern of the Parquet files of scores in a folder. It is empty if the folder has none, or has
// score files of the reference implementation.
func parquetIn(folder string) string {
	entries, err := os.ReadDir(folder)
	has := func(pattern string) bool {
		return err == nil && slices.ContainsFunc(entries, func(e os.DirEntry) bool {
			matched, _ := filepath.Match(pattern, e.Name()) // the patterns are valid
			return matched
		})
	}
	switch {
	case has(scoresPattern): // an output folder, which may have other Parquet files
		return filepath.Join(literalPattern(folder), scoresPattern)
	case has("*.parquet") && !has("*.jsonl"):
		return filepath.Join(literalPattern(folder), "*.parquet")
	default:
		return ""
	}
}

// matchedFiles returns the files that match patterns of --scores, each file once.
func matchedFiles(patterns []string) (files []string, err error) {
	for _, pattern := range patterns {
		matched, err := globbed(pattern)
		if err != nil || len(matched) == 0 {
			return nil, usageError{fmt.Errorf("--scores: no file matches %s", pattern)}
		}
		for _, name := range matched {
			if info, err := os.Stat(name); err == nil && info.IsDir() {
				return nil, usageError{fmt.Errorf("--scores %s: it is a folder; give a file or a pattern, such as --scores %s",
					name, spelling.ShellWord(filepath.Join(literalPattern(name), "*.parquet")))}
			}
			if !slices.Contains(files, name) {
				files = append(files, name)
			}
		}
	}
	return files, nil
}

// globbed returns the files that match a pattern. A name that exists is not a pattern, and a folder that exists has no
// special characters.
func globbed(pattern string) ([]string, error) {
	if _, err := os.Stat(pattern); err == nil {
		return []string{pattern}, nil
	}
	folder, rest := splitPattern("", pattern)
	return filepath.Glob(literalPattern(folder) + rest)
}

// splitPattern returns the part of a pattern in a folder that has no special characters, and the rest: the folder, and
// the folder of the pattern if it exists.
func splitPattern(folder, pattern string) (literal, rest string) {
	if folder != "" {
		folder += string(filepath.Separator)
	}
	below, file := filepath.Split(pattern)
	if _, err := os.Stat(folder + below); err == nil && below != "" {
		return folder + below, file
	}
	return folder, pattern
}

// literalPattern returns a pattern that matches only a name. The pattern is valid in Go, Python and DuckDB.
func literalPattern(name string) string {
	return strings.NewReplacer("[", "[[]", "*", "[*]", "?", "[?]").Replace(name)
}
