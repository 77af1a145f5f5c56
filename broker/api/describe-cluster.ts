import { describeCluster, errorCode } from '../../protocol/index.ts'
import type { MetadataImage } from '../metadata/image.ts'
import { allClusterOperations, operationsNotAsked } from './authorized-operations.ts'
import { brokerEndpoints, controllerForClients } from './cluster-view.ts'
import { type ApiHandler, handler } from './handler.ts'

const brokersEndpoint = 1
const controllersEndpoint = 2

/** DescribeCluster: brokers (fenced ones from v2 on when asked), cluster id, and whom to send controller requests. */
export function describeClusterHandler(parts: { readonly image: () => MetadataImage }): ApiHandler {
  return handler(describeCluster, {}, (request, context) => {
    if (request.endpointType !== brokersEndpoint) {
      const known = request.endpointType === controllersEndpoint
      return {
        throttleTimeMs: 0,
        errorCode: errorCode(known ? 'MISMATCHED_ENDPOINT_TYPE' : 'UNSUPPORTED_ENDPOINT_TYPE'),
        errorMessage: known
          ? 'This is a broker endpoint; the controller has none of its own.'
          : `The endpoint type ${request.endpointType} does not exist.`,
        endpointType: brokersEndpoint,
        clusterId: '',
        brokers: [],
      }
    }
    const image = parts.image()
    const endpoints = brokerEndpoints(image, context.listenerName, {
      includeFenced: request.includeFencedBrokers,
    })
    return {
      throttleTimeMs: 0,
      errorCode: 0,
      errorMessage: null,
      endpointType: brokersEndpoint,
      clusterId: image.clusterId,
      controllerId: controllerForClients(
        image,
        endpoints.filter(({ fenced }) => !fenced),
      ),
      brokers: endpoints.map(({ id, host, port, rack, fenced }) => ({
        brokerId: id,
        host,
        port,
        rack,
        isFenced: fenced,
      })),
      clusterAuthorizedOperations: request.includeClusterAuthorizedOperations
        ? allClusterOperations
        : operationsNotAsked,
    }
  })
}
