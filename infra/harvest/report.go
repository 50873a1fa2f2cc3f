package main

import (
	"context"
	"fmt"
	"io"

	"github.com/harvest-ml/harvest/shared/images"
	"github.com/harvest-ml/harvest/shared/report"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/harvest-ml/harvest/shared/subset"
	"github.com/harvest-ml/harvest/shared/telemetry"
	"github.com/spf13/cobra"
)

// reportFile is the name of the report in an output folder.
const reportFile = "report.html"

// reportFlags say what is reported of a selection. An order keeps them for the command that completes it.
type reportFlags struct {
	None       bool `json:"none,omitempty"`        // write no report
	NoPictures bool `json:"no_pictures,omitempty"` // write it without pictures
}

func (f *reportFlags) add(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&f.None, "no-report", false, "write no "+reportFile)
	cmd.Flags().Func("report-pictures", "pictures in "+reportFile+": small (default) or none, as for images that may not "+
		"be passed on", func(text string) error {
		if text != "small" && text != "none" {
			return fmt.Errorf("%q is neither small nor none", text)
		}
		f.NoPictures = text == "none"
		return nil
	})
}

// writeReport writes the report of the selection.
func (r *result) writeReport(ctx context.Context, s session, flags reportFlags, w io.Writer) error {
	plan, err := s.Runs.Plan(ctx, r.Run)
	if err != nil {
		return err
	}
	pictures, closePictures, err := r.openPictures(plan, s, flags)
	if err != nil {
		return err
	}
	defer closePictures()
	reports, err := report.New(report.Config{Runs: s.Runs, Subsets: s.Subsets, Images: pictures, Memory: s.memory})
	if err != nil {
		return err
	}
	return reports.Write(ctx, w, r.Run, r.Selection, report.Commands{
		Select: func(request selection.Request) string {
			return command("select", r.state, r.Run) + " " + flagsOf(request)
		},
		Retry:   command("retry", r.state, r.Run),
		Program: telemetry.ReadBuild().Version,
	})
}

// openPictures opens the images of the run for its report, and returns what closes them.
func (r *result) openPictures(plan *run.Plan, s session, flags reportFlags) (report.Images, func(), error) {
	switch {
	case flags.NoPictures:
		return report.NoImages{Why: "this report was asked for without pictures"}, func() {}, nil
	case r.input == nil:
		return report.NoImages{
			Why: "harvest serve read the dataset, so this command cannot reach its images",
		}, func() {}, nil
	}
	input, err := r.input.bucket(r.input.spec())
	if err != nil {
		return nil, nil, err
	}
	named, err := images.New(images.Config{Input: input, Prefix: r.input.imagesPrefix(), Limits: plan.Options.Images})
	if err != nil {
		return nil, nil, err
	}
	pictures := run.NewImages(plan, named, run.Texts{Input: input, Work: s.work})
	return pictures, func() { _ = pictures.Close() }, nil
}

// outputFiles are the paths of a selection's files.
type outputFiles struct {
	subset.Outputs
	// Scores is the pattern of the files with the scores of all samples; empty where none were written.
	Scores string `json:"scores,omitempty"`
	// Images is the folder of images that the records of the subset name; empty where they name them where they were.
	Images string `json:"images,omitempty"`
	Report string `json:"report,omitempty"` // empty where none was written
}
