package main

import (
	"encoding/json"
	"errors"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/tokens"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"tollgate": main})
}

// TestScripts runs testdata/script: commands, what they print and how they exit.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			// BIN has nothing but the commands of this test.
			env.Setenv("BIN", filepath.SplitList(env.Getenv("PATH"))[0])
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"mint":       mint,
			"exitstatus": exitStatus,
		},
	})
}

// mint VARIABLE SECRET CLAIMS puts an HS256 token into a variable of the script.
func mint(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: mint VARIABLE SECRET CLAIMS")
	}
	var claims map[string]any
	ts.Check(json.Unmarshal([]byte(args[2]), &claims))
	key, err := tokens.FromSecret("HS256", "", []byte(args[1]))
	ts.Check(err)
	token, err := key.Sign(nil, claims)
	ts.Check(err)
	ts.Setenv(args[0], strings.TrimSpace(token))
}

// exitStatus N COMMAND… runs a command that must exit with N.
func exitStatus(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exitstatus N COMMAND [ARG…]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		failed, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("%v", err)
		}
		got = failed.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit status %d, expected %d", got, want)
	}
}
