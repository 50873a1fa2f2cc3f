package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"
	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/run"
)

// inputFile returns the file in the state folder that stores the input of a run, for commands that name only the run.
func inputFile(state, runID string) string { return filepath.Join(state, "inputs", runID+".json") }

// save stores the input of a run in the state folder.
func (in input) save(state, runID string) error {
	data, err := json.MarshalIndent(in, "", " ")
	if err != nil {
		return err
	}
	return remember(state, inputFile(state, runID), data)
}

// remember writes a file below inputs/ of the state folder.
func remember(state, name string, data []byte) error {
	err := os.MkdirAll(filepath.Dir(name), 0o755)
	if err == nil {
		err = renameio.WriteFile(name, data, 0o644)
	}
	if err != nil {
		return fmt.Errorf("recording the location of the dataset: %w", bucket.MachineFault(state, err))
	}
	return nil
}

// loadInput returns the input of a run that save stored.
func loadInput(state, runID string) (input, error) {
	var in input
	data, err := os.ReadFile(inputFile(state, runID))
	if errors.Is(err, fs.ErrNotExist) {
		return input{}, fmt.Errorf("finding the dataset of run %s: `harvest curate` did not start it in this state folder; "+
			"if another command did, repeat that command: it continues the run", runID)
	} else if err != nil {
		return input{}, fmt.Errorf("finding the dataset of run %s: %w", runID, err)
	}
	if err := json.Unmarshal(data, &in); err != nil {
		return input{}, fmt.Errorf("finding the dataset of run %s: reading %s: %w", runID, inputFile(state, runID), err)
	}
	return in, nil
}

// allowed returns the limit of failures of the last order; zero if there is no order, such as for a run of serve.
func (in input) allowed() run.Allowance {
	if in.Order == nil {
		return run.Allowance{}
	}
	return in.Order.MaxFailed
}
