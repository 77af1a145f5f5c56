// The last words of .ci/run: adds up its parts and ends with the line "N passed, N failed".
//   node scripts/ci-summary.mjs FOLDER
// FOLDER holds NAME.status (exit code) for every part, and NAME.json (vitest's JSON report) for those that ran tests. A part
// without a report counts as one. Exit code 1 when anything failed or no test ran.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'

/** Parts that must have run tests; without any, something is wrong with the run itself. */
const partsWithTests = ['test', 'compatibility', 'kubernetes', 'cluster']

const folder = process.argv[2]
if (folder === undefined) {
  process.stderr.write('Usage: node scripts/ci-summary.mjs FOLDER\n')
  process.exit(2)
}

let passed = 0
let failed = 0
for (const name of parts()) {
  const outcome = partsWithTests.includes(name) ? testsOf(name) : stepOf(name)
  passed += outcome.passed
  failed += outcome.failed
  console.log(`${name}: ${outcome.passed} passed, ${outcome.failed} failed${outcome.note ?? ''}`)
}
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed > 0 || passed === 0 ? 1 : 0 // not exit(): a pipe must get all that was printed

/** Every part that left an exit code, and those that had to run. */
function parts() {
  const ran = readdirSync(folder)
    .filter(file => file.endsWith('.status'))
    .map(file => file.slice(0, -'.status'.length))
  return [...new Set([...ran, ...partsWithTests])]
}

function exitCode(name) {
  const file = join(folder, `${name}.status`)
  return existsSync(file) ? Number(readFileSync(file, 'utf8')) : null
}

function stepOf(name) {
  return exitCode(name) === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 }
}

/** Counts tests; a run that broke outside its tests (no report, an unhandled error, a file that does not load) fails too. */
function testsOf(name) {
  const report = readReport(join(folder, `${name}.json`))
  if (report === null) return { passed: 0, failed: 1, note: ' (no report: it ended before its tests did)' }
  const tests = report.testResults.flatMap(file => file.assertionResults)
  const count = status => tests.filter(test => test.status === status).length
  const brokenFiles = report.testResults.filter(file => file.status === 'failed' && !hasFailedTest(file))
  for (const file of report.testResults) {
    for (const test of file.assertionResults.filter(one => one.status === 'failed')) {
      console.log(`FAILED ${relative(process.cwd(), file.name)}: ${test.fullName}`)
      console.log(indented(test.failureMessages.join('\n')))
    }
  }
  for (const file of brokenFiles) {
    console.log(`FAILED ${relative(process.cwd(), file.name)}`)
    console.log(indented(file.message ?? ''))
  }
  let failures = count('failed') + brokenFiles.length
  let note
  if (failures === 0 && tests.length === 0) {
    failures = 1
    note = ' (no test ran)'
  } else if (failures === 0 && exitCode(name) !== 0) {
    failures = 1
    note = ` (all tests passed, but the run ended with ${exitCode(name)}; see its output above)`
  }
  return { passed: count('passed'), failed: failures, note }
}

function hasFailedTest(file) {
  return file.assertionResults.some(test => test.status === 'failed')
}

function readReport(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    return null
  }
}

function indented(text) {
  const lines = text.split('\n').slice(0, 12)
  return lines.map(line => `    ${line}`).join('\n')
}
