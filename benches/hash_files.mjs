// What the expression hashFiles('PATTERN') does in a GitHub workflow, by the toolkit's own code: PACKAGE is the folder of
// @actions/glob, and the current folder is the workspace.
const [packageFolder, pattern] = process.argv.slice(2)
const { hashFiles } = await import(`${packageFolder}/lib/glob.js`)
console.log(await hashFiles(pattern, process.cwd()))
