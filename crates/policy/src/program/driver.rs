//! Files that say what a tool runs: one that the same command writes is code that nobody saw.

use super::job::Job;
use crate::text::Text;

/// Tools, and the files they follow, from the folder they stand in; one that ends with a slash is a folder of such files.
const DRIVERS: &[(&[&str], &[&str])] = &[
    (&["make", "gmake", "remake"], &["Makefile", "makefile", "GNUmakefile"]),
    (
        &["npm", "pnpm", "yarn", "npx", "bun", "bunx"],
        &["package.json", ".npmrc", ".yarnrc", ".yarnrc.yml", ".pnpmfile.cjs"],
    ),
    (&["cargo"], &["build.rs", ".cargo/config.toml", ".cargo/config", "Cargo.toml"]),
    (
        &["git"],
        &[".git/hooks/", ".git/config", ".husky/", ".githooks/", "~/.gitconfig", "~/.config/git/config"],
    ),
    (&["just"], &["justfile", "Justfile", ".justfile"]),
    (&["task", "go-task"], &["Taskfile.yml", "Taskfile.yaml"]),
    (&["rake"], &["Rakefile", "rakefile"]),
    (&["bundle", "bundler"], &["Gemfile"]),
    (&["pip", "pip3", "uv", "poetry", "pdm"], &["setup.py", "pyproject.toml"]),
    (&["pytest", "py.test"], &["conftest.py"]),
    (&["tox"], &["tox.ini"]),
    (&["nox"], &["noxfile.py"]),
    (&["gradle", "gradlew"], &["build.gradle", "build.gradle.kts", "settings.gradle", "init.gradle"]),
    (&["mvn", "mvnw"], &["pom.xml"]),
    (&["ant"], &["build.xml"]),
    (&["sbt"], &["build.sbt"]),
    (&["lein"], &["project.clj"]),
    (&["mix"], &["mix.exs"]),
    (&["composer"], &["composer.json"]),
    (&["cmake"], &["CMakeLists.txt", "CMakePresets.json"]),
    (&["meson"], &["meson.build"]),
    (&["ninja"], &["build.ninja"]),
    (&["scons"], &["SConstruct"]),
    (&["bazel"], &["BUILD", "BUILD.bazel", "WORKSPACE", ".bazelrc"]),
    (&["direnv"], &[".envrc"]),
    (&["pre-commit"], &[".pre-commit-config.yaml"]),
    (&["vagrant"], &["Vagrantfile"]),
    (&["gdb"], &[".gdbinit", "~/.gdbinit"]),
    (&["tmux"], &["~/.tmux.conf"]),
    (&["vim", "nvim", "vi", "ex"], &["~/.vimrc", ".vimrc", ".exrc", ".nvimrc"]),
    (&["bash"], &["~/.bashrc", "~/.bash_profile", "~/.profile"]),
    (&["zsh"], &["~/.zshrc", "~/.zshenv"]),
    (&["ssh", "scp", "sftp", "rsync"], &["~/.ssh/config"]),
    (&["jest"], &["jest.config.js", "jest.config.ts"]),
    (&["gulp"], &["gulpfile.js"]),
    (&["grunt"], &["Gruntfile.js"]),
    (&["webpack"], &["webpack.config.js"]),
    (&["eslint"], &[".eslintrc.js", "eslint.config.js"]),
    (&["ansible", "ansible-playbook"], &["ansible.cfg"]),
];

/// Asks about a tool that follows a file which the same command writes.
pub(super) fn follow(job: &mut Job<'_, '_>) {
    if !job.scope.has_written_any() {
        return;
    }
    let name = job.name().to_owned();
    let Some((_, files)) = DRIVERS.iter().find(|(tools, _)| tools.contains(&name.as_str())) else { return };
    for file in *files {
        let absolute = job.place(&Text::lit(*file)).absolute(job.walker.surroundings);
        let is_written = absolute.iter().any(|path| {
            job.scope.has_written(path) || (file.ends_with('/') && job.scope.has_written_below(path))
        });
        if is_written {
            job.opaque(format!("{name} runs what {file} says, which the same command writes"));
            return;
        }
    }
}
