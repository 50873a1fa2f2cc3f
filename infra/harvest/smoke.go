package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/harvest-ml/harvest/shared/api"
	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/bucket/gs"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/forms"
	"github.com/harvest-ml/harvest/shared/memory"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scorer/kinds"
	"github.com/harvest-ml/harvest/shared/subset"
	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"
	"golang.org/x/oauth2"
	"google.golang.org/api/impersonate"
)

const (
	// smokeSamples is the number of uploaded samples. smokeSelected is the number of samples that the deployment must
	// select.
	smokeSamples, smokeSelected = 10, 5
	smokeManifest               = "parts/smoke.jsonl"
)

// A smokeTest has the flags of smoke.
type smokeTest struct {
	api, input, name, scorer string
	// as is the service account whose ID tokens are sent to the API. audience is the audience of these tokens.
	as, audience string
	timeout      time.Duration
	plan         bool
}

func newSmoke() *cobra.Command {
	var s smokeTest
	cmd := &cobra.Command{
		Use:   "smoke MANIFEST",
		Short: "Test a deployment: upload ten samples of a dataset, and wait for a selection of five",
		Long: `smoke uploads ten samples of a dataset with their images to the input bucket of a deployment, as a separate
dataset, and waits until its selection of five samples is completed. The exit status is 0 if every sample was scored.
With --plan the API only plans the ten samples, and no run starts: this tests a revision that has no traffic.`,
		Example: `  harvest smoke --api https://harvest-curate-xyz.run.app --input gs://farm-harvest-input \
    --as harvest-deploy@farm.iam.gserviceaccount.com testdata/demo/dataset.json
  gcloud run services proxy harvest-curate --port 8081 &
  harvest smoke --api http://localhost:8081 --input gs://farm-harvest-input testdata/demo/dataset.json`,
		Args: func(cmd *cobra.Command, args []string) error {
			return errors.Join(manifestArgs(cmd, args), atMost(1)(cmd, args))
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if s.api == "" || s.input == "" {
				return usageError{errors.New("--api and --input are missing: give the URL of curate, and the input bucket")}
			}
			return s.run(cmd.Context(), args[0], cmd.OutOrStdout())
		},
	}
	cmd.Flags().StringVar(&s.api, "api", "", "URL of the deployment's API")
	cmd.Flags().StringVar(&s.input, "input", "", "input bucket of the deployment, gs://name")
	cmd.Flags().StringVar(&s.name, "name", "",
		"name of the dataset; a name that was used before gives the same run (default: smoke- and the time)")
	cmd.Flags().StringVar(&s.scorer, "scorer", "embedded", "kind of scorer to test")
	cmd.Flags().StringVar(&s.as, "as", "", "service account whose ID token is sent to the API (default: no token)")
	cmd.Flags().StringVar(&s.audience, "audience", "", "audience of the ID token (default: the API's URL)")
	cmd.Flags().BoolVar(&s.plan, "plan", false, "let the API plan the ten samples, and start no run")
	cmd.Flags().DurationVar(&s.timeout, "timeout", 15*time.Minute, "maximum time to wait")
	return cmd
}

func (s smokeTest) run(ctx context.Context, manifest string, out io.Writer) error {
	if s.name == "" {
		s.name = "smoke-" + time.Now().UTC().Format("20060102-150405")
	}
	late := fmt.Errorf("dataset %s was not curated within %s: see the logs of ingest, score and curate",
		s.name, s.timeout)
	ctx, cancel := context.WithTimeoutCause(ctx, s.timeout, late)
	defer cancel()
	client, err := s.client(ctx)
	if err != nil {
		return err
	}
	if err := s.upload(ctx, manifest); err != nil {
		return err
	}
	if s.plan {
		return s.checkPlan(ctx, client, out)
	}
	id, err := s.find(ctx, client)
	if err == nil {
		err = s.check(ctx, client, id)
	}
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s: %d of %d samples selected\n", id, smokeSelected, smokeSamples)
	return err
}

// client returns a client of the API. It sends an ID token if a service account is given.
func (s smokeTest) client(ctx context.Context) (*api.Client, error) {
	transport := http.DefaultClient
	if s.as != "" {
		tokens, err := impersonate.IDTokenSource(ctx, impersonate.IDTokenConfig{
			TargetPrincipal: s.as, Audience: cmp.Or(s.audience, strings.TrimRight(s.api, "/")), IncludeEmail: true,
		})
		if err != nil {
			return nil, fmt.Errorf("--as %s: %w", s.as, err)
		}
		transport = oauth2.NewClient(ctx, tokens)
	}
	client, err := api.NewClient(s.api, transport)
	if err != nil {
		return nil, usageError{fmt.Errorf("--api: %w", err)}
	}
	return client, nil
}

// upload puts samples of the dataset into the bucket, in the required order: images, manifest, dataset.yaml.
func (s smokeTest) upload(ctx context.Context, manifest string) error {
	in, err := newInput(ctx, []string{manifest}, "", "")
	if err != nil {
		return err
	}
	limits, err := limits(ctx)
	if err != nil {
		return err
	}
	fetcher, err := in.openImages(ctx, limits.Images, limits.Compressed)
	if err != nil {
		return err
	}
	defer fetcher.Close()
	budget, err := imageMemory(limits.Images, kinds.Config{})
	if err != nil {
		return err
	}
	to, err := gs.OpenURL(ctx, s.input)
	if err != nil {
		return fmt.Errorf("--input: %w", err)
	}
	samples, err := someSamples(manifest, limits.Records)
	if err != nil {
		return fmt.Errorf("reading %s: %w", manifest, err)
	}
	var records bytes.Buffer
	for _, sample := range samples {
		records.Write(bytes.ReplaceAll(sample.Raw, []byte("\n"), []byte(" ")))
		records.WriteByte('\n')
		if err := s.uploadImages(ctx, fetcher, budget, to, &sample); err != nil {
			return fmt.Errorf("reading %s: %w", manifest, err)
		}
	}
	spec, err := yaml.Marshal(map[string]any{
		"manifests": []string{smokeManifest}, "budget": smokeSelected, "scorer": s.scorer,
	})
	if err != nil {
		return err
	}
	folder := run.DatasetsPrefix + s.name + "/"
	if err := put(ctx, to, folder+smokeManifest, &records); err != nil || s.plan {
		return err // without dataset.yaml no run starts
	}
	return put(ctx, to, folder+run.SpecFile, bytes.NewReader(spec))
}

// uploadImages puts the images of a sample into the bucket.
func (s smokeTest) uploadImages(
	ctx context.Context, fetcher *datasetImages, budget *memory.Budget, to bucket.Bucket, sample *dataset.Sample,
) error {
	hold := budget.NewHold(1)
	defer hold.Release()
	fetched, fault, err := fetcher.Fetch(ctx, 0, sample, hold)
	if err != nil {
		return err
	} else if fault != nil {
		return fmt.Errorf("%s: %s", sample.Place, fault.Reason())
	}
	for i, img := range sample.Images {
		if img.Name == "" {
			continue // the record itself holds the image
		}
		names, err := dataset.ImageNames(img.Name, nil)
		if err != nil {
			return err
		}
		name := names[len(names)-1]
		if err := put(ctx, to, "images/"+s.name+"/"+name, bytes.NewReader(fetched.Images[i])); err != nil {
			return err
		}
	}
	return nil
}

// someSamples returns smokeSamples valid samples, spread evenly over a manifest.
func someSamples(file string, limits dataset.Limits) ([]dataset.Sample, error) {
	body, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	layout, err := dataset.Split(body, math.MaxInt64) // one range
	if err != nil {
		return nil, err
	}
	if layout.Records < smokeSamples {
		return nil, usageError{fmt.Errorf("it has %d samples; give a dataset of %d or more", layout.Records, smokeSamples)}
	}
	span := layout.Ranges[0]
	section := io.NewSectionReader(body, span.Start, span.End-span.Start)
	records, err := dataset.NewReader(section, layout.Framing, span, filepath.Base(file), limits, forms.Parse)
	if err != nil {
		return nil, err
	}
	var taken []dataset.Sample
	for position := int64(0); len(taken) < smokeSamples; position++ {
		sample, err := records.Next()
		if err != nil {
			return nil, err
		}
		if position < int64(len(taken))*layout.Records/smokeSamples {
			continue
		}
		if sample.Problem != nil {
			return nil, usageError{fmt.Errorf("record %d: %s", position+1, sample.Problem.Reason())}
		}
		taken = append(taken, *sample)
	}
	return taken, nil
}

// put uploads an object, unless it exists from an earlier attempt.
func put(ctx context.Context, to bucket.Bucket, name string, data io.Reader) error {
	err := to.Create(ctx, name, func(w io.Writer) error {
		_, err := io.Copy(w, data)
		return err
	})
	if err != nil && !errors.Is(err, bucket.ErrExists) {
		return fmt.Errorf("uploading %s: %w", name, err)
	}
	return nil
}

// find waits for the run that the upload starts.
func (s smokeTest) find(ctx context.Context, client *api.Client) (id string, err error) {
	err = api.Poll(ctx, func() (bool, error) {
		list, err := client.Runs(ctx, api.Page{}) // the newest
		if err != nil {
			return false, err
		}
		for _, r := range list.Runs {
			if r.Dataset == s.name {
				id = r.Run
			}
		}
		return id != "", nil
	})
	return id, err
}

// checkPlan requests a plan of the uploaded dataset from the API, and checks that every sample and image is valid.
func (s smokeTest) checkPlan(ctx context.Context, client *api.Client, out io.Writer) error {
	plan, err := client.Plan(ctx, run.Spec{Dataset: s.name, Manifests: []string{smokeManifest}, Scorer: s.scorer})
	if err != nil {
		return fmt.Errorf("planning dataset %s: %w", s.name, err)
	}
	if plan.Valid != smokeSamples {
		return fmt.Errorf("dataset %s has %d uploaded samples, but its plan has %d samples, %d of them valid: %v",
			s.name, smokeSamples, plan.Samples, plan.Valid, plan.Problems)
	}
	_, err = fmt.Fprintf(out, "%s: %d samples are planned, and no run was started\n", plan.Run, smokeSamples)
	return err
}

// check waits for the run's selection, and checks that every sample was scored.
func (s smokeTest) check(ctx context.Context, client *api.Client, id string) error {
	var status *subset.RunStatus
	err := api.Poll(ctx, func() (done bool, err error) {
		if status, err = client.Run(ctx, id); err != nil {
			return false, err
		}
		ended, err := endState(status)
		return ended && len(status.Selections) > 0, err
	})
	if err != nil {
		return err
	}
	if n := status.Samples; n.Scored != smokeSamples {
		return fmt.Errorf("run %s scored %d of %d samples (%d failed, %d skipped): %v",
			id, n.Scored, n.In, n.Failed, n.Skipped, status.Reasons)
	}
	sel, err := client.WaitSelection(ctx, id, status.Selections[0])
	if err != nil {
		return err
	}
	if sel.Selected != smokeSelected {
		return fmt.Errorf("run %s selected %d samples instead of %d: %v", id, sel.Selected, smokeSelected, sel.Shortfalls)
	}
	return nil
}
