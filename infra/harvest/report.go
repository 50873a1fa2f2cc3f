package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/harvest-ml/harvest/shared/api"
	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/images"
	"github.com/harvest-ml/harvest/shared/report"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scorer/kinds"
	"github.com/harvest-ml/harvest/shared/subset"
	"github.com/harvest-ml/harvest/shared/telemetry"
	"github.com/spf13/cobra"
)

// reportFile is the name of the report in an output folder.
const reportFile = "report.html"

// reportFlags are the flags for the contents of a selection's report. An order stores them for a later command that
// completes the order.
type reportFlags struct {
	None       bool `json:"none,omitempty"`        // write no report
	NoPictures bool `json:"no_pictures,omitempty"` // write the report without pictures
}

func (f *reportFlags) add(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&f.None, "no-report", false, "write no "+reportFile)
	cmd.Flags().Func("report-pictures", "pictures in "+reportFile+": small (default), or none if the images may not "+
		"be passed on", func(text string) error {
		if text != "small" && text != "none" {
			return fmt.Errorf("%q is not known; give small or none", text)
		}
		f.NoPictures = text == "none"
		return nil
	})
}

// reportCommands returns the commands that reports show. state is the value of --state in these commands; empty for the
// default folder. near returns the path of an evaluation set by its name in the input bucket; empty if the path is not
// known.
func reportCommands(state string, near func(object string) string) report.Commands {
	program := telemetry.ReadBuild().Version
	if strings.HasPrefix(state, "gs://") {
		return report.APICommands(program) // the commands of this program read only folders
	}
	return report.Commands{
		Select: func(runID string, asked api.SelectionRequest) string {
			var files typedFiles
			for _, object := range asked.ExcludeNear {
				files.near = append(files.near, near(object))
			}
			return anotherSelection(state, runID, asked.MaxFailed) + " " + files.flagsOf(asked.Request)
		},
		Retry: func(runID string) string { return command("retry", state, runID) },
		Manifests: func(runID string) map[string]string {
			folder, err := stateFolder(state)
			if err != nil {
				return nil
			}
			in, err := loadInput(folder, runID)
			if err != nil { // serve started the run
				return nil
			}
			return in.paths()
		},
		Program: program,
	}
}

// copyReport copies the report of the selection from the work bucket. If the order has no pictures, it writes the
// report again without pictures.
func (r *result) copyReport(ctx context.Context, s session, o order, w io.Writer) error {
	if !o.Report.NoPictures {
		return s.Subsets.CopyOutput(ctx, r.selection, r.selection.Outputs.Report, w)
	}
	reports, err := report.New(report.Config{
		Runs: s.Runs, Images: report.NoImages("this report was requested without pictures"), Memory: s.memory,
		Commands: reportCommands(r.state, o.nearPath),
	})
	if err != nil {
		return err
	}
	return reports.WriteReport(ctx, w, s.Subsets, r.selection)
}

// outputFiles are the paths of a selection's files.
type outputFiles struct {
	subset.Outputs // Report is empty if no report was written
	// Scores is the pattern of the files with the scores of all samples; empty if no such file was written.
	Scores string `json:"scores,omitempty"`
	// Images is the folder of images that the records of the subset name; empty if records name the original images.
	Images string `json:"images,omitempty"`
}

// comparedFile is the default file of compare --report.
const comparedFile = "compare.html"

// writeCompared writes the page that compares two selections of a run to a file. If file is empty, it does nothing.
func writeCompared(
	ctx context.Context, state string, runs *run.Reader, subsets *subset.Reader, runID string,
	request subset.CompareRequest, file string,
) error {
	if file == "" {
		return nil
	}
	if request.Other == "" || request.OtherRun != "" {
		return usageError{errors.New("--report: it is for two selections of one run; name both")}
	}
	folder, work, err := openExisting(state)
	if err != nil {
		return err
	}
	l, err := limits(ctx)
	if err != nil {
		return err
	}
	memory, err := imageMemory(l.Images, kinds.Config{})
	if err != nil {
		return err
	}
	pictures := report.NoImages("harvest serve read the dataset, so this command cannot reach its images")
	in, err := loadInput(folder, runID)
	if err == nil {
		pictures = in.pictures(work)
	}
	reports, err := report.New(report.Config{
		Runs: runs, Images: pictures, Memory: memory, Commands: reportCommands(state, in.Order.nearPath),
	})
	if err != nil {
		return err
	}
	return writeNamed(file, func(w io.Writer) error {
		return reports.WriteComparison(ctx, w, subsets, runID, request.Selection, request.Other)
	})
}

// pictures opens the images of the dataset.
func (in input) pictures(work bucket.Bucket) report.Opener {
	return func(_ context.Context, plan *run.Plan) (report.Images, error) {
		files, err := in.bucket(in.spec())
		if err != nil {
			return nil, err
		}
		named, err := images.New(images.Config{Input: files, Prefix: plan.Images, Limits: plan.Options.Images})
		if err != nil {
			return nil, err
		}
		return run.NewImages(plan, named, run.Texts{Input: files, Work: work}), nil
	}
}
