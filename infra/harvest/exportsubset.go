package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/harvest-ml/harvest/shared/api"
	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/export"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/subset"
	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"
)

// An exportCommand has the flags of export-subset.
type exportCommand struct {
	request export.Request
	images  string
	sources string
	dir     string
	state   string
	asJSON  bool
}

// An exportedSubset is the report of export-subset. --json prints this object.
type exportedSubset struct {
	Run       string         `json:"run"`
	Selection string         `json:"selection"`
	Request   export.Request `json:"request"`
	Samples   int            `json:"samples"`
	// Images is the number of images of the records. Files is the number of different images.
	Images int `json:"images"`
	Files  int `json:"files"`
	// Replaced is the number of samples with an image that has changed since they were rated.
	Replaced int    `json:"replaced,omitempty"`
	Folder   string `json:"folder"`
}

func newExportSubset() *cobra.Command {
	var c exportCommand
	cmd := &cobra.Command{
		Use:   "export-subset RUN SELECTION --for TRAINER --out DIR",
		Short: "Write a selection for a trainer: records in its form, images, and the file that describes them",
		Long: `Writes a folder that a trainer can load directly. It has the subset's records in the trainer's form, each image
once, and the file that describes them to the trainer. A card (README.md) lists sources, stated licences, parameters,
versions, and how to make the folder again. The same command gives the same bytes. If the form cannot hold a field,
the command fails and names the field. shared/export/README.md has an example of each trainer.`,
		Example: `  harvest export-subset demo latest --for llama-factory --out demo-llama-factory
  harvest export-subset demo latest --for trl --images embed --out demo-trl
  harvest export-subset demo latest --for webdataset --sources sources.yaml --out demo-shards`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 2 {
				return usageError{fmt.Errorf("name a run and one of its selections, such as latest; `harvest status RUN` "+
					"lists them, `%s --help` says more", cmd.CommandPath())}
			}
			return nil
		},
		ValidArgsFunction: completeSelections(0),
		RunE:              c.run,
	}
	fl := cmd.Flags()
	fl.StringVar(&c.request.For, "for", "", "the trainer: "+strings.Join(export.Trainers(), ", ")+"; required")
	fl.StringVar(&c.images, "images", "", "how images are stored: copy or link (copies or links in a folder of the "+
		"export), reference (records name the original files) or embed (inside the file of records) (default: the first "+
		"of these that the trainer can read)")
	fl.StringVar(&c.sources, "sources", "", "YAML file of the sources' licences for the card: \"coco: CC BY 4.0\" "+
		"(default: sources.yaml next to the manifest, if it is there)")
	fl.StringVar(&c.dir, "out", "", "folder for the export; required")
	fl.BoolVar(&c.asJSON, "json", false, "print JSON")
	stateFlag(cmd, &c.state)
	offered := cobra.FixedCompletions(export.AllImages(), cobra.ShellCompDirectiveNoFileComp)
	_ = cmd.RegisterFlagCompletionFunc("images", offered) // the flag is there, and has no other completion
	return cmd
}

func (c *exportCommand) run(cmd *cobra.Command, args []string) (err error) {
	c.request.Images = export.Images(c.images)
	if c.request, err = c.request.Complete(); err != nil {
		return usageError{fmt.Errorf("--%w", err)}
	}
	if c.dir == "" {
		return usageError{errors.New("--out is missing; give the folder to write")}
	}
	ctx := cmd.Context()
	folder, work, err := openExisting(c.state)
	if err != nil {
		return err
	}
	runs, subsets, err := openRuns(work)
	if err != nil {
		return err
	}
	plan, sel, err := findCompleted(ctx, runs, subsets, c.state, args[0], args[1])
	if err != nil {
		return err
	}
	in, place, err := c.dataset(folder, plan)
	if err != nil {
		return err
	}
	removeNew := newFolder(c.dir)
	export := newTrainerExport(c.request, runs, subsets, plan, sel, place)
	export.notes = cmd.ErrOrStderr()
	export.prepare = func() error { return prepareOut(c.dir, folder, in.Manifests) }
	tally, err := c.write(ctx, export)
	if err != nil {
		removeNew()
		return err
	}
	if err := tally.warn(cmd.ErrOrStderr()); err != nil {
		return err
	}
	return c.report(cmd.OutOrStdout(), sel, tally)
}

// write prepares the folder, and writes and marks the export. Meanwhile it locks the folder, so that no other command
// writes to it.
func (c *exportCommand) write(ctx context.Context, export trainerExport) (*exportTally, error) {
	unlock, err := lockPrepared(ctx, c.dir, export.notes, export.prepare)
	if err != nil {
		return nil, err
	}
	defer unlock()
	tally, err := export.write(ctx, c.dir)
	if err != nil {
		return nil, err
	}
	return tally, exportMark{export.selection.Run, export.selection.ID, c.request}.writeTo(c.dir)
}

// findCompleted finds a selection. It returns an error if the subset is not written yet.
func findCompleted(
	ctx context.Context, runs *run.Reader, subsets *subset.Reader, state, typedRun, typed string,
) (*run.Plan, *subset.Selection, error) {
	runID, err := findRun(ctx, runs, typedRun)
	if err != nil {
		return nil, nil, err
	}
	id, err := findSelection(ctx, subsets, state, runID, typed)
	if err != nil {
		return nil, nil, err
	}
	plan, err := runs.UsablePlan(ctx, runID)
	if err != nil {
		return nil, nil, unknownRun(err)
	}
	sel, err := subsets.Selection(ctx, runID, id)
	if err != nil {
		return nil, nil, err
	}
	reached, err := subsets.State(ctx, sel)
	switch {
	case err == nil && reached == subset.StateFailed:
		err = fmt.Errorf("selection %s of run %s has no subset, because it failed: %w", id, runID,
			byFlags(errors.New(sel.Problem)))
	case err == nil && reached != subset.StateCompleted:
		err = fmt.Errorf("selection %s of run %s is not written (%s); `%s` continues it",
			id, runID, reached, command("resume", state, runID))
	}
	return plan, sel, err
}

// dataset finds the files of a run's dataset, and the licences of its sources. It returns an error for a run of serve
// whose manifests do not contain the images, because serve does not record where the images are.
func (c *exportCommand) dataset(state string, plan *run.Plan) (in input, place imagesPlace, err error) {
	if in, err = loadInput(state, plan.Run); err != nil {
		in = input{}
		if _, contained := plan.Container(); !contained {
			return in, place, fmt.Errorf("run %s: harvest serve read its dataset, so this command cannot reach its images; "+
				"write `export: {for: %s}` into dataset.yaml, and serve writes the export", plan.Run, c.request.For)
		}
	} else if place, err = in.imagesPlace(); err != nil {
		return in, place, err
	}
	file := c.sources
	if file == "" && len(in.Manifests) > 0 {
		file = filepath.Join(filepath.Dir(in.Manifests[0]), "sources.yaml")
		if _, err := os.Stat(file); err != nil {
			return in, place, nil
		}
	}
	c.request.Licences, err = readLicences(file)
	return in, place, err
}

// maxSourcesFile is the maximum size of a file of licences, in bytes.
const maxSourcesFile = 16 << 20

// readLicences reads a file of licences. It returns the licences by source; nil if the name of the file is empty.
func readLicences(file string) (map[string]string, error) {
	if file == "" {
		return nil, nil
	}
	data, err := bucket.ReadWholeFile(file, maxSourcesFile)
	if err != nil {
		return nil, usageError{fmt.Errorf("--sources: %w", err)}
	}
	var licences map[string]string
	if err := yaml.NewDecoder(bytes.NewReader(data)).Decode(&licences); err != nil && !errors.Is(err, io.EOF) {
		return nil, usageError{fmt.Errorf("--sources %s: %w; write a line `SOURCE: LICENCE` for each source", file, err)}
	}
	return licences, nil
}

// report prints a summary of the export.
func (c *exportCommand) report(w io.Writer, sel *subset.Selection, tally *exportTally) error {
	r := exportedSubset{
		Run: sel.Run, Selection: sel.ID, Request: c.request, Samples: tally.samples, Images: tally.images,
		Files: len(tally.seen), Replaced: tally.replaced, Folder: c.dir,
	}
	if c.asJSON {
		return api.EncodeJSON(w, r)
	}
	_, err := fmt.Fprintf(w, "%s with %s (%d different) for %s: %s\nhow to load them: %s\n",
		number(r.Samples, "sample"), number(r.Images, "image"), r.Files, c.request.For, r.Folder,
		filepath.Join(c.dir, export.CardFile))
	return err
}
